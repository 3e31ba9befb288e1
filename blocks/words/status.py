"""The status of a package as an icon and a few words, for headings and lists.

`status_label` is for lists, `card_label` for cards, `status_icon` stands before a title. Each also depends on what
became of the action, because an approval is no execution.
"""

from __future__ import annotations

from collections.abc import Mapping

from rules.package.takeover_reach import has_thread_or_run
from rules.state.commands import HumanDecisionType, OverrideDecision
from rules.state.decisions import Basis, Decision, ExecutionState
from rules.state.model import PackageState, Status

_LABELS: Mapping[Status, str] = {
    Status.PENDING: "Waiting",
    Status.REVISION_REQUESTED: "Changes requested",
    Status.EVIDENCE_REQUESTED: "Evidence requested",
    Status.DEFERRED: "Deferred",
    Status.APPROVED: "Approved",
    Status.CONSENTED: "Nobody objected",
    Status.OVERRIDDEN: "Overridden",
    Status.REJECTED: "Rejected",
    Status.TAKEN_OVER: "Taken over",
    Status.REVOKED: "Approval revoked",
    Status.EXPIRED: "Expired",
    Status.CANCELLED: "Cancelled",
}
_EXECUTION_SUFFIXES: Mapping[ExecutionState, str] = {
    ExecutionState.NONE: "",
    ExecutionState.CLAIMED: ", being carried out",
    ExecutionState.SUCCEEDED: ", carried out",
    ExecutionState.FAILED: ", but it failed",
    ExecutionState.ROLLED_BACK: ", then rolled back",
    ExecutionState.UNKNOWN: ", outcome unknown",
    ExecutionState.LAPSED: ", not used in time",
}
OVERRIDE_WORDS: Mapping[OverrideDecision, str] = {
    OverrideDecision.PROCEED: "go ahead",
    OverrideDecision.STOP: "stop",
    OverrideDecision.OTHER: "do something else",
}
_APPROVED_LABELS: Mapping[HumanDecisionType | None, str] = {
    HumanDecisionType.ANSWER: "Answered",
    HumanDecisionType.APPROVE_WITH_EDITS: "Approved with edits",
}
_ICONS: Mapping[Status, str] = {
    Status.PENDING: "⏳",
    Status.REVISION_REQUESTED: "↩️",
    Status.EVIDENCE_REQUESTED: "🔎",
    Status.DEFERRED: "💤",
    Status.APPROVED: "✅",
    Status.CONSENTED: "✅",
    Status.OVERRIDDEN: "⚡️",
    Status.REJECTED: "✖️",
    Status.TAKEN_OVER: "✋",
    Status.REVOKED: "✖️",
    Status.EXPIRED: "⌛️",
    Status.CANCELLED: "🚫",
}
_EXECUTION_ICONS: Mapping[ExecutionState, str] = {
    ExecutionState.FAILED: "⚠️",
    ExecutionState.ROLLED_BACK: "⚠️",
    ExecutionState.UNKNOWN: "⚠️",
    ExecutionState.LAPSED: "⌛️",
}


def status_label(state: PackageState) -> str:
    """One to three words, for headings and lists."""
    special = _exception_label(state) or (_special_label(state, state.decision) if state.decision else None)
    return (special or _LABELS[state.status]) + (_EXECUTION_SUFFIXES[state.execution.state] if state.proceeds else "")


def status_icon(state: PackageState) -> str:
    """The icon before a title. The status always stands beside it in words."""
    stopped = state.decision is not None and state.decision.override_decision not in (None, OverrideDecision.PROCEED)
    if state.proceeds and state.execution.state in _EXECUTION_ICONS:
        return _EXECUTION_ICONS[state.execution.state]
    return "✖️" if stopped else _ICONS[state.status]


def card_label(state: PackageState) -> str:
    """The status as a card says it: approval is not execution, so it always says which of the two has happened."""
    if state.hold:
        return f"{status_label(state)}, thread on hold"
    unused = state.proceeds and state.lapses_at and state.execution.state is ExecutionState.NONE
    return status_label(state) + (", not carried out yet" if unused else "")


def was_cancelled_with_thread(state: PackageState) -> bool:
    """Whether a person cancelled the thread. A withdrawal is also by a person, but names no reviewer."""
    decision = state.decision
    return (
        state.status is Status.CANCELLED
        and decision is not None
        and decision.basis is Basis.HUMAN
        and bool(decision.reviewers)
    )


def _exception_label(state: PackageState) -> str | None:
    if state.exception is None or state.status not in (Status.APPROVED, Status.REVOKED):
        return None
    if state.status is Status.REVOKED:
        return "Exception revoked"
    return "Exception approved" if state.is_granted_exception else "Exception ended"


def _special_label(state: PackageState, decision: Decision) -> str | None:
    """A more exact label than that of the status, if there is one."""
    match state.status:
        case Status.APPROVED if decision.basis in (Basis.POLICY, Basis.EXCEPTION):
            return f"Approved by {decision.basis}"
        case Status.APPROVED if decision.decision in _APPROVED_LABELS:
            return _APPROVED_LABELS[decision.decision]
        case Status.OVERRIDDEN if decision.override_decision:
            return f"Overridden: {OVERRIDE_WORDS[decision.override_decision]}"
        case Status.TAKEN_OVER if has_thread_or_run(state) and not state.holds_thread:
            return "Taken over, handed back"
        case Status.CANCELLED if decision.basis is Basis.HUMAN:
            return "Thread cancelled" if was_cancelled_with_thread(state) else "Withdrawn"
        case _:
            return None
