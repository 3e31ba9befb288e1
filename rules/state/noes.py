"""The memory of a No: what people refused, and what that means for what an agent proposes later.

A No is a person's reject, objection or revocation, whatever the agent does with the package afterwards. For as long
as the policy's `windows.rejection`, it bears on later packages in three ways, the strictest first:

1. The same action by the same agent is refused, unless the agent declares a material change; by another agent it
   takes an explicit approval.
2. The same agent, action type and subject: an explicit approval. A missing subject counts as the same.
3. The same agent and action type: an explicit approval, until a person has approved an action of that type.

An objection says that silence is not enough, so an explicit approval of that very action settles it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import IntEnum
from typing import NamedTuple

from rules.state.commands import Verb
from rules.values import Moment, Value


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
    """A No to another package, with what it is compared by."""

    no: No
    agent_id: str
    subject_digest: str | None


class Similarity(IntEnum):
    """How a proposal is like one that a person said no to."""

    SAME_TYPE = 1
    SAME_SUBJECT = 2
    SAME_ACTION_OF_ANOTHER = 3
    SAME_ACTION = 4


_LIKE = {
    Similarity.SAME_TYPE: "someone said no to another action of this type by this agent",
    Similarity.SAME_SUBJECT: "someone said no to an action of this type on the same subject, or on an unnamed one",
    Similarity.SAME_ACTION_OF_ANOTHER: "someone said no to exactly this action when another agent proposed it",
    Similarity.SAME_ACTION: "someone said no to exactly this action",
}


class EarlierNo(NamedTuple):
    """The No that bears on a proposal."""

    similarity: Similarity
    no: No

    @property
    def because(self) -> str:
        return _LIKE[self.similarity]


class ProposalIdentity(NamedTuple):
    """What a proposal is compared by."""

    agent_id: str
    action_digest: str
    subject_digest: str | None


def relevant_no(
    remembered: Iterable[RememberedNo], approved_at: datetime | None, proposed: ProposalIdentity
) -> EarlierNo | None:
    """The No that bears most on this proposal; of those that bear alike, the latest.

    `approved_at` is when a person last approved an action of this type by this agent.
    """
    found = [
        EarlierNo(likeness, each.no)
        for each in remembered
        if (likeness := _likeness(each, proposed, settled=approved_at is not None and approved_at > each.no.at))
    ]
    return max(found, key=lambda earlier: (earlier.similarity, earlier.no.at), default=None)


def _likeness(each: RememberedNo, proposed: ProposalIdentity, *, settled: bool) -> Similarity | None:
    same_agent = each.agent_id == proposed.agent_id
    if each.no.action_digest == proposed.action_digest:
        return Similarity.SAME_ACTION if same_agent else Similarity.SAME_ACTION_OF_ANOTHER
    if not same_agent:
        return None
    subjects = {each.subject_digest, proposed.subject_digest}
    if len(subjects) == 1 or None in subjects:
        return Similarity.SAME_SUBJECT
    return None if settled else Similarity.SAME_TYPE


def settle_objections(noes: tuple[No, ...], action_digest: str) -> tuple[No, ...]:
    """The same, with the objections to this action settled."""
    return tuple(
        no.model_copy(update={"settled": True})
        if no.verb is Verb.OBJECT and no.action_digest == action_digest and not no.settled
        else no
        for no in noes
    )
