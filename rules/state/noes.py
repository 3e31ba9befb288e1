"""The Noes of people, and how they affect later proposals.

A No is a person's reject, objection or revocation, or their cancellation of a thread, whatever the agent does with the
package afterwards. The policy calls it a rejection (`windows.rejection`), and so does the API (`already-rejected`).
During this window it affects later packages in three ways, the strictest first:

1. The same action by the same agent is refused, unless the agent declares a material change. The same action by another
   agent needs an explicit approval.
2. The same agent, action type and subject need an explicit approval. A missing subject counts as the same.
3. The same agent and action type need an explicit approval, until a person has approved an action of that type.

An objection says that silence is not enough, so an explicit approval of the same action settles it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import IntEnum
from typing import NamedTuple

from rules.state.commands import Verb
from rules.values import Moment, Value

# The decisions by which a person may let an action go ahead.
APPROVING = (Verb.APPROVE, Verb.APPROVE_WITH_EDITS, Verb.OVERRIDE)


class No(Value):
    """One No: who gave it, to which action of which package, and when."""

    event_id: str
    decision_package_id: str
    action_digest: str
    verb: Verb
    by: str
    at: Moment
    settled: bool = False


class RememberedNo(NamedTuple):
    """A No to another package, with the values by which proposals are compared to it."""

    no: No
    agent_id: str
    subject_digest: str | None


class Similarity(IntEnum):
    """How similar a proposal is to one that a person said no to, from least to most."""

    SAME_TYPE = 1
    SAME_SUBJECT = 2
    SAME_ACTION_OF_ANOTHER = 3
    SAME_ACTION = 4


_BECAUSE = {
    Similarity.SAME_TYPE: "someone said no to another action of this type by this agent",
    Similarity.SAME_SUBJECT: "someone said no to an action of this type on the same subject, or on an unnamed one",
    Similarity.SAME_ACTION_OF_ANOTHER: "someone said no to exactly this action when another agent proposed it",
    Similarity.SAME_ACTION: "someone said no to exactly this action",
}


class EarlierNo(NamedTuple):
    """The No that affects a proposal, and how similar the two are."""

    similarity: Similarity
    no: No

    @property
    def because(self) -> str:
        return _BECAUSE[self.similarity]


class ProposalIdentity(NamedTuple):
    """The values by which a proposal is compared to earlier ones."""

    agent_id: str
    action_digest: str
    subject_digest: str | None


def relevant_no(
    remembered: Iterable[RememberedNo], approved_at: datetime | None, proposed: ProposalIdentity
) -> EarlierNo | None:
    """The No to the most similar proposal; among equally similar ones, the latest.

    `approved_at` is when a person last approved an action of this type by this agent.
    """
    candidates = (
        EarlierNo(similarity, earlier.no)
        for earlier in remembered
        if (similarity := _similarity_of(earlier, proposed, approved_at))
    )
    return max(candidates, key=lambda candidate: (candidate.similarity, candidate.no.at), default=None)


def _similarity_of(
    earlier: RememberedNo, proposed: ProposalIdentity, approved_at: datetime | None
) -> Similarity | None:
    same_agent = earlier.agent_id == proposed.agent_id
    if earlier.no.action_digest == proposed.action_digest:
        return Similarity.SAME_ACTION if same_agent else Similarity.SAME_ACTION_OF_ANOTHER
    if not same_agent:
        return None
    subjects = {earlier.subject_digest, proposed.subject_digest}
    if len(subjects) == 1 or None in subjects:
        return Similarity.SAME_SUBJECT
    approved_since = approved_at is not None and approved_at > earlier.no.at
    return None if approved_since else Similarity.SAME_TYPE


def settle_objections(noes: tuple[No, ...], action_digest: str) -> tuple[No, ...]:
    """The Noes, with the objections to this action marked as settled."""
    return tuple(
        no.model_copy(update={"settled": True})
        if no.verb is Verb.OBJECT and no.action_digest == action_digest and not no.settled
        else no
        for no in noes
    )
