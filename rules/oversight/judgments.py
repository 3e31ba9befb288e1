"""`Judgment`: what one person did with a package whose review has ended. Outcomes are of packages, judgments of people.

A person who approved, stopped, sent back or overrode a package has one judgment of it: their last. It is derived
together with the outcome, by the same rules. People see their own judgments; nobody else sees them under a name unless
the policy says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from rules.state.commands import HumanDecisionType
from rules.state.events import EventType

_MILLISECOND = timedelta(milliseconds=1)
_D, _E = HumanDecisionType, EventType


class Step(NamedTuple):
    """An event of the package's record, as far as it is counted. Only a person's decision has the last three."""

    event_type: str
    actor: str
    at: datetime
    decision: str | None = None
    version: int | None = None
    latency_ms: int | None = None


class DecisionTimes(NamedTuple):
    """How long the deciding person's decision took since people were last asked. The parts add up to `decided_ms`.

    `waiting_ms`: until the first person did anything with it. `seen_ms`: from then until the person who decided opened
    Details or a form, or else decided. `reading_ms`: from there to the decision.
    """

    decided_ms: int
    waiting_ms: int
    seen_ms: int
    reading_ms: int


class Judgment(NamedTuple):
    """`decided`: the review ended by this judgment, alone or as part of the quorum.

    `approved`: it was an approval. `opened`: before it, the person opened Details of that version. `several`: others
    judged the same version too, and `differed` says that one of them did something else. `looked`: it was given in a
    blind second look, after the review.
    """

    reviewer_id: str
    decided: bool = False
    approved: bool = False
    opened: bool = False
    several: bool = False
    differed: bool = False
    looked: bool = False
    times: DecisionTimes | None = None

    @property
    def words(self) -> str:
        """As stored: what is true of it."""
        return " ".join(name for name in JUDGMENT_FLAGS if getattr(self, name))


JUDGMENT_FLAGS = Judgment._fields[1:-1]

_READING = (_E.PACKAGE_DETAILS_OPENED, _E.PACKAGE_FORM_OPENED)
_TRACES = frozenset(
    [
        *_READING,
        _E.HUMAN_DECISION_RECORDED,
        _E.HUMAN_DECISION_REFUSED,
        _E.HUMAN_COMMENTED,
        _E.TASK_CLAIMED,
        _E.TASK_EXTENDED,
        _E.TASK_RECUSED,
    ]
)
_ACTS: Mapping[str, str] = {
    _D.APPROVE: "proceed",
    _D.APPROVE_WITH_EDITS: "proceed",
    _D.REJECT: "stop",
    _D.OBJECT: "stop",
    _D.TAKE_OVER: "stop",
    _D.REVISE: "send back",
    _D.REQUEST_MORE_EVIDENCE: "send back",
    _D.OVERRIDE: "override",
}
_ADDS_UP = ("proceed", "override")  # several people make such a decision together


def decisions_in(review: Iterable[Step]) -> list[Step]:
    return [step for step in review if step.event_type == _E.HUMAN_DECISION_RECORDED]


def judgments_of(review: Sequence[Step], deciding: Step | None) -> tuple[Judgment, ...]:
    """Each person's last judgment, in the order of their ids. `deciding`: the decision that ended the review."""
    last = {step.actor: step for step in decisions_in(review) if step.decision in _ACTS}
    if deciding:
        last[deciding.actor] = deciding
    return tuple(_judgment(review, last[who], last, deciding) for who in sorted(last))


def _judgment(review: Sequence[Step], own: Step, last: Mapping[str, Step], deciding: Step | None) -> Judgment:
    act = _ACTS.get(own.decision or "")
    others = [_ACTS.get(step.decision or "") for step in last.values() if step.version == own.version and step != own]
    decided = own == deciding or _is_part_of(review, own, deciding)
    return Judgment(
        reviewer_id=own.actor,
        decided=decided,
        approved=act == "proceed",
        opened=_has_opened_details(review, own),
        several=bool(others),
        differed=any(other != act for other in others),
        times=times_of(review, own) if decided else None,
    )


def _is_part_of(review: Sequence[Step], own: Step, deciding: Step | None) -> bool:
    """Whether the deciding vote completed a quorum of which this vote is a part. A recusal takes the vote back."""
    act = _ACTS.get(own.decision or "")
    same = deciding is not None and own.version == deciding.version and act == _ACTS.get(deciding.decision or "")
    recused = (step.event_type == _E.TASK_RECUSED and step.actor == own.actor for step in review)
    return same and act in _ADDS_UP and not any(recused)


def _has_opened_details(review: Sequence[Step], own: Step) -> bool:
    """Whether the person opened Details before their decision, after the last version by someone else."""
    opened = False
    for step in review[: review.index(own)]:
        if step.event_type == _E.PACKAGE_VERSION_ADDED and step.actor != own.actor:
            opened = False
        opened |= step.event_type == _E.PACKAGE_DETAILS_OPENED and step.actor == own.actor
    return opened


def agreement(decisions: Iterable[Step]) -> tuple[bool, bool]:
    """Whether several people judged the same version, and whether they disagreed. A person's last judgment counts."""
    by_version: dict[int | None, dict[str, str]] = {}
    for step in decisions:
        if step.decision and step.decision in _ACTS:
            by_version.setdefault(step.version, {})[step.actor] = _ACTS[step.decision]
    several = [acts for acts in by_version.values() if len(acts) > 1]
    return bool(several), any(len(set(acts.values())) > 1 for acts in several)


def times_of(review: Sequence[Step], decision: Step) -> DecisionTimes:
    """The times of the decision that ended this review, or was a part of the quorum that did."""
    decided_ms = decision.latency_ms or 0
    asked_at = decision.at - decided_ms * _MILLISECOND
    since_asked = [step for step in review if asked_at <= step.at <= decision.at]
    seen_at = next((step.at for step in since_asked if step.event_type in _TRACES), decision.at)
    own = (step.at for step in since_asked if step.event_type in _READING and step.actor == decision.actor)
    waiting_ms, opened_ms = ((at - asked_at) // _MILLISECOND for at in (seen_at, next(own, decision.at)))
    return DecisionTimes(decided_ms, waiting_ms, opened_ms - waiting_ms, decided_ms - opened_ms)
