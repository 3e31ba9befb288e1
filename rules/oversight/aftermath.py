"""`TriedPackage`: a package on which a policy is tried, replayed or not, and what came of it later.

`Comparison` hands it each later event. An event can leave a trace: a failure, or that people stopped or changed the
action. `group` says why a package with a trace is evidence; a package without a trace has only an `ending`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from rules.oversight.asking import Asking, Involvement, Shift
from rules.oversight.outcomes import is_incident
from rules.oversight.replay import Obstacle
from rules.people.directory import AUTO, is_agent
from rules.record.chain import Event
from rules.state.commands import HumanDecisionType, OverrideDecision, Verdict
from rules.state.decisions import ExecutionState
from rules.state.events import EventType
from rules.state.model import Status
from rules.string_enum import StringEnum

_D, _E = HumanDecisionType, EventType


class Trace(StringEnum):
    """What went wrong with a package, or how people kept it from going ahead as it was. The gravest comes first."""

    FAILED = "failed"
    ROLLED_BACK = "rolled_back"
    REVOKED = "revoked"
    UNSOUND = "judged_unsound"
    REJECTED = "rejected"
    TAKEN_OVER = "taken_over"
    STOPPED = "stopped"
    OBJECTED = "objected_to"
    EDITED = "edited"
    SENT_BACK = "sent_back"


WENT_WRONG = frozenset([Trace.FAILED, Trace.ROLLED_BACK, Trace.REVOKED, Trace.UNSOUND])
_INCIDENTS = {
    _E.EXECUTION_FAILED: Trace.FAILED,
    _E.EXECUTION_ROLLED_BACK: Trace.ROLLED_BACK,
    _E.PACKAGE_REVOKED: Trace.REVOKED,
}
_BY_PEOPLE = {
    _D.REJECT: Trace.REJECTED,
    _D.TAKE_OVER: Trace.TAKEN_OVER,
    _D.OBJECT: Trace.OBJECTED,
    _D.APPROVE_WITH_EDITS: Trace.EDITED,
    _D.REVISE: Trace.SENT_BACK,
    _D.REQUEST_MORE_EVIDENCE: Trace.SENT_BACK,
}


def trace_in(event: Event) -> Trace | None:
    """The trace that this event leaves. Events of other releases may have other types."""
    kind, actor = event["event_type"], event["actor"]
    if is_incident(kind, actor):
        return _INCIDENTS[kind]
    if kind == _E.REVIEW_JUDGED:
        return Trace.UNSOUND if event["outcome"] == Verdict.UNSOUND else None
    if _is_stop(event):
        return Trace.STOPPED
    return _BY_PEOPLE.get(event["decision"]) if kind == _E.HUMAN_DECISION_RECORDED else None


def _is_stop(event: Event) -> bool:
    """People overrode the agent and did not let it go ahead, or a person cancelled."""
    if event["event_type"] == _E.PACKAGE_CANCELLED:
        return event["actor"] != AUTO.actor_id and not is_agent(event["actor"])
    if event["event_type"] != _E.PACKAGE_OVERRIDDEN:
        return False
    decision = event["change"].get("decision") or {}
    return decision.get("override_decision") != OverrideDecision.PROCEED


class Ending(StringEnum):
    """How far a package got that left no trace."""

    SUCCEEDED = "succeeded"
    UNKNOWN = "outcome_unknown"
    IDLE = "not_carried_out"
    ENDED = "expired_or_cancelled"
    WAITING = "waiting"


_BY_EXECUTION = {
    ExecutionState.SUCCEEDED: Ending.SUCCEEDED,
    ExecutionState.UNKNOWN: Ending.UNKNOWN,
    ExecutionState.CLAIMED: Ending.UNKNOWN,
}
_OPEN = frozenset(status for status in Status if not status.terminal)


class EvidenceGroup(StringEnum):
    """Why a package with a trace is evidence."""

    LAXER = "laxer"
    UNASKED = "not_asked"
    UNTRIED = "not_replayable"


@dataclass(slots=True, eq=False)
class TriedPackage:
    """`event_id`: where its text is stored. Either it has an obstacle, or it was replayed and has a shift."""

    decision_package_id: str
    event_id: str
    action_type: str
    submitted_at: datetime
    obstacle: Obstacle | None = None
    then: Asking | None = None
    new: Asking | None = None
    shift: Shift | None = None
    traces: frozenset[Trace] = frozenset()
    status: str = Status.PENDING
    execution: str = ExecutionState.NONE

    def follow(self, event: Event) -> None:
        change = event["change"]
        self.status = change.get("status", self.status)
        if "execution" in change:
            self.execution = (change["execution"] or {}).get("state", ExecutionState.NONE)
        if trace := trace_in(event):
            self.traces |= {trace}

    @property
    def traces_by_gravity(self) -> list[Trace]:
        """The gravest first."""
        return [trace for trace in Trace if trace in self.traces]

    @property
    def went_wrong(self) -> bool:
        return not self.traces.isdisjoint(WENT_WRONG)

    @property
    def is_laxer(self) -> bool:
        """Also if another role is asked, because nobody knows whether it would have done the same."""
        return self.shift in (Shift.LAXER, Shift.OTHER)

    @property
    def ending(self) -> Ending:
        if self.execution in _BY_EXECUTION:
            return _BY_EXECUTION[ExecutionState(self.execution)]
        if self.status in (Status.EXPIRED, Status.CANCELLED):
            return Ending.ENDED
        return Ending.WAITING if self.status in _OPEN else Ending.IDLE

    @property
    def group(self) -> EvidenceGroup | None:
        """None: it is no evidence."""
        if not self.traces:
            return None
        if self.obstacle:
            return EvidenceGroup.UNTRIED
        if self.is_laxer:
            return EvidenceGroup.LAXER
        unasked = self.new is not None and self.new.involvement in (Involvement.SOFT, Involvement.SPARED)
        return EvidenceGroup.UNASKED if unasked and self.went_wrong else None
