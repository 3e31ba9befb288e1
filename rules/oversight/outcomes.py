"""`Outcome`: what came of one package, in the facts that the measures count.

A package has one outcome, however many versions, deferrals, edits and votes it had. It has it from the moment when it
first enters a final status, which is also the moment at which it is counted. Later only its incidents, its verdict and
its agent change. The same function derives an outcome when a package ends, in the migration, and when the database is
verified.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

from rules.oversight.judgments import (
    DecisionTimes,
    Judgment,
    Step,
    agreement,
    decisions_in,
    judgments_of,
    times_of,
)
from rules.people.directory import AUTO
from rules.scales import HITLLevel, RiskLevel
from rules.state.commands import HumanDecisionType, Verdict
from rules.state.decisions import ExecutionState
from rules.state.events import EventType
from rules.state.model import PackageState, Status
from rules.string_enum import StringEnum

_D, _E = HumanDecisionType, EventType


class Result(StringEnum):
    """How the review ended. The first five are decisions of people."""

    APPROVED = "approved"
    ANSWERED = "answered"
    OVERRIDDEN = "overridden"
    REJECTED = "rejected"
    TAKEN_OVER = "taken_over"
    CONSENTED = "consented"
    AUTOMATIC = "automatic"  # the policy asked for no person
    EXCEPTED = "excepted"  # an exception to a rule spared the decision
    EXPIRED = "expired"
    CANCELLED = "cancelled"

    @property
    def by_people(self) -> bool:
        return self in _BY_PEOPLE

    @property
    def awaited_people(self) -> bool:
        return self not in (Result.AUTOMATIC, Result.EXCEPTED)


_BY_PEOPLE = frozenset([Result.APPROVED, Result.ANSWERED, Result.OVERRIDDEN, Result.REJECTED, Result.TAKEN_OVER])


class Facts(NamedTuple):
    """What the shares count of a package.

    `uncertain`: because of the agent's low confidence, the policy asked for an explicit approval or more.
    `judged_by_several`: two or more people approved, stopped, sent back, overrode or blindly judged the same version,
    and `disagreed` says that they did not all do the same. `allowed`: people let the agent go ahead. `incident`:
    afterwards the action failed or was rolled back, a person revoked it, or a second look found it unsound. `blind`:
    the second look is a blind one. `not_possible`: it was picked for one, and nobody could look, or the judge left.
    It is then neither `sampled` nor `blind`.
    """

    result: Result
    sent_back: bool = False
    escalated: bool = False
    uncertain: bool = False
    judged_by_several: bool = False
    disagreed: bool = False
    allowed: bool = False
    incident: bool = False
    sampled: bool = False
    blind: bool = False
    not_possible: bool = False
    verdict: Verdict | None = None

    def as_words(self) -> str:
        """As stored: the result, then what is true, then the verdict."""
        flags = [name for name in _FLAGS if getattr(self, name)]
        return " ".join([self.result, *flags, *([self.verdict] if self.verdict else [])])

    @classmethod
    @lru_cache(maxsize=4096)  # few texts are different, and each comes in many groups
    def from_words(cls, text: str) -> Facts:
        result, *words = text.split()
        verdict = Verdict(words.pop()) if words and words[-1] in _VERDICTS else None
        return cls._make((Result(result), *(name in words for name in _FLAGS), verdict))


_FLAGS = Facts._fields[1:-1]
_VERDICTS = frozenset(Verdict)


class Outcome(NamedTuple):
    agent_id: str
    action_type: str
    role: str  # asked when the review ended
    risk: RiskLevel
    ended_at: datetime
    facts: Facts
    times: DecisionTimes | None = None  # if people decided
    judgments: tuple[Judgment, ...] = ()


class Standing(NamedTuple):
    """What an outcome takes from the state. While it stays the same, so does the outcome."""

    status: Status
    agent_id: str
    has_failed: bool
    sampled: bool
    judge_left: bool
    verdict: Verdict | None


def standing_of(state: PackageState) -> Standing | None:
    """None: the package has no outcome yet."""
    if not state.status.terminal:
        return None
    failed = state.execution.state in (ExecutionState.FAILED, ExecutionState.ROLLED_BACK)
    return Standing(state.status, state.agent_id, failed, state.sampled, _judge_left(state), state.verdict)


def _judge_left(state: PackageState) -> bool:
    return state.look is not None and state.look.judge_left


def outcome_of(state: PackageState, steps: Sequence[Step]) -> Outcome | None:
    """The outcome, from the whole record of the package, oldest first. None: its review has not ended."""
    ends = [place for place, step in enumerate(steps) if step.event_type in _RESULTS]
    if not ends:
        return None
    review, end = steps[: ends[0]], steps[ends[0]]
    decisions = decisions_in(review)
    result = _result(end, decisions, state)
    deciding = decisions[-1] if result.by_people and decisions else None
    return Outcome(
        agent_id=state.agent_id,
        action_type=state.action_type,
        role=state.task.required_role,
        risk=state.risk,
        ended_at=end.at,
        facts=_facts(state, steps, decisions, result),
        times=times_of(review, deciding) if deciding else None,
        judgments=_with_look(judgments_of(review, deciding), state),
    )


def _with_look(judgments: tuple[Judgment, ...], state: PackageState) -> tuple[Judgment, ...]:
    """A judged blind look is a judgment of its own, and one more of those whose approval it is about."""
    if state.look is None or state.verdict is None:
        return judgments
    unsound = state.verdict is Verdict.UNSOUND
    approvers = (
        judgment._replace(several=True, differed=judgment.differed or unsound)
        if judgment.reviewer_id in state.look.of
        else judgment
        for judgment in judgments
    )
    own = Judgment(state.look.judge, looked=True, several=True, differed=unsound)
    return tuple(sorted((*approvers, own), key=lambda judgment: judgment.reviewer_id))


_RESULTS = {
    EventType.of("package", status).value: Result(status.value)
    for status in Status
    if status.terminal and status is not Status.REVOKED
}
REVIEW_ENDS = frozenset(_RESULTS)  # the types of events that end a review


def _result(end: Step, decisions: Sequence[Step], state: PackageState) -> Result:
    result = _RESULTS[end.event_type]
    if result is not Result.APPROVED:
        return result
    if not decisions:
        spared = any(use.asked > HITLLevel.NOTIFY_ONLY for use in state.exception_uses)
        return Result.EXCEPTED if spared else Result.AUTOMATIC
    return Result.ANSWERED if decisions[-1].decision == _D.ANSWER else Result.APPROVED


def _facts(state: PackageState, steps: Sequence[Step], decisions: Sequence[Step], result: Result) -> Facts:
    several, disagreed = agreement(decisions)
    looked = state.look is not None and state.verdict is not None
    allowed, left = state.exception is None and _let_go_ahead(result, state), _judge_left(state)
    return Facts(
        result=result,
        sent_back=any(step.event_type in _SENT_BACK for step in steps),
        escalated=any(step.event_type == _E.PACKAGE_ESCALATED for step in steps)
        or any(step.decision == _D.ESCALATE for step in decisions),
        uncertain=any(why.rule == "confidence" and why.level >= HITLLevel.HARD_APPROVAL for why in state.why),
        judged_by_several=several or looked,
        disagreed=disagreed or (looked and state.verdict is Verdict.UNSOUND),
        allowed=allowed,
        incident=allowed
        and (state.verdict is Verdict.UNSOUND or any(is_incident(step.event_type, step.actor) for step in steps)),
        sampled=state.sampled and not left,
        blind=state.look is not None and not left,
        not_possible=left or any(step.event_type == _E.REVIEW_NOT_POSSIBLE for step in steps),
        verdict=state.verdict,
    )


_SENT_BACK = (_E.PACKAGE_REVISION_REQUESTED, _E.PACKAGE_EVIDENCE_REQUESTED)


def _let_go_ahead(result: Result, state: PackageState) -> bool:
    """Whether people let an action go ahead. Of overrides, only one that did can be revoked."""
    proceeds = state.proceeds or state.status is Status.REVOKED
    return result is Result.APPROVED or (result is Result.OVERRIDDEN and proceeds)


def is_incident(event_type: str, actor: str) -> bool:
    """Whether an action failed or was rolled back, or a person revoked it. The service itself revokes without blame."""
    revoked = event_type == _E.PACKAGE_REVOKED and actor != AUTO.actor_id
    return revoked or event_type in (_E.EXECUTION_FAILED, _E.EXECUTION_ROLLED_BACK)
