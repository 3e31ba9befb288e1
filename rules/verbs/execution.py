"""Execution of what was approved: the agent claims the permission once, and then reports the outcome.

A permission that is not claimed in time lapses. An outcome that is not reported in time is recorded as unknown.
"""

from __future__ import annotations

from rules.package.takeover_reach import refuse_stopped
from rules.people.autonomy import AutonomyProfile, start_profile
from rules.reasons import Reason, Refusal, refuse
from rules.state.agent_commands import ClaimExecution, ReportExecution
from rules.state.changes import StateChanges
from rules.state.commands import Command, HumanDecisionType, Verdict
from rules.state.decisions import FAILURES, Basis, Execution, ExecutionState, RecoveryDecision
from rules.state.events import EventType, level_change
from rules.state.model import Bar, PackageState
from rules.state.situation import Situation
from rules.state.transition import Move, Transition, Words
from rules.verbs.validity import Invalidity, check_validity, revoke_invalid

_REPORTABLE = {
    ExecutionState.CLAIMED: ("succeeded", "failed", "rolled_back"),
    ExecutionState.UNKNOWN: ("succeeded", "failed", "rolled_back"),
    ExecutionState.SUCCEEDED: ("rolled_back",),
    ExecutionState.FAILED: ("rolled_back",),
}


def claim_execution(move: Move, command: ClaimExecution) -> Transition | Refusal:
    """Claim the permission. The same claim_id again is the same claim, and any other claim_id is refused."""
    if refusal := _check_claim(move, command):
        return refusal
    execution, now = move.state.execution, move.situation.now
    if execution.state is ExecutionState.CLAIMED and execution.claim_id == command.claim_id:
        return move.build()
    is_new = command.claim_id not in execution.claim_ids
    if execution.state is not ExecutionState.NONE and not (move.state.retry_open and is_new):
        return _refuse_second_claim(execution, command)
    if not move.state.may_proceed(now):
        return refuse(Reason.APPROVAL_LAPSED, lapsed_at=move.state.lapses_at)
    if (obstacle := _check_permission(move.state, move.situation)) is not None:
        return revoke_invalid(move, obstacle) if isinstance(obstacle, Invalidity) else obstacle
    claimed = Execution(
        state=ExecutionState.CLAIMED,
        claim_id=command.claim_id,
        claimed_at=now,
        earlier_claims=execution.claim_ids,
    )
    changes: StateChanges = {"execution": claimed, "outcome_by": now + move.state.terms.outcome, "lapses_at": None}
    return move.record(EventType.EXECUTION_CLAIMED, changes).build()


def _check_permission(state: PackageState, situation: Situation) -> Invalidity | Refusal | None:
    """Check that the approved content is still readable and that the permission is still valid."""
    if situation.words is not None and not situation.words.get(state.version_event_id):
        return refuse(Reason.CONTENT_UNREADABLE)
    return check_validity(state, situation)


def _check_claim(move: Move, command: ClaimExecution) -> Refusal | None:
    state, situation = move.state, move.situation
    if situation.agent is None or not situation.agent.may_act:
        return refuse(Reason.AGENT_PAUSED)
    is_repeated = state.execution.state is ExecutionState.CLAIMED and state.execution.claim_id == command.claim_id
    stopped = refuse_stopped(situation.memory.thread_stopped_by, state.decision_package_id)
    if stopped and not is_repeated:
        return stopped
    if state.hold and not is_repeated:
        return refuse(Reason.THREAD_HELD)
    if not state.proceeds:
        return refuse(Reason.MAY_NOT_PROCEED, status=state.status)
    if command.action_digest != state.action_digest:
        return refuse(Reason.DIGEST_MISMATCH, approved=state.action_digest, claimed=command.action_digest)
    return None


def _refuse_second_claim(execution: Execution, command: ClaimExecution) -> Refusal:
    if execution.state is ExecutionState.LAPSED:
        return refuse(Reason.APPROVAL_LAPSED, lapsed_at=execution.reported_at)
    if command.claim_id in execution.claim_ids:
        return refuse(Reason.ALREADY_REPORTED, state=execution.state)
    if execution.retry_lapsed_at is not None:
        return refuse(Reason.APPROVAL_LAPSED, lapsed_at=execution.retry_lapsed_at)
    return refuse(Reason.ALREADY_CLAIMED, claim_id=execution.claim_id)


def report_execution(move: Move, command: ReportExecution) -> Transition | Refusal:
    """Record the outcome of the present claim. The same report again changes nothing; another one is refused."""
    execution = move.state.execution
    if command.claim_id in execution.earlier_claims:
        return refuse(Reason.CLAIM_REPLACED, claim_id=execution.claim_id)
    if execution.claim_id != command.claim_id:
        return refuse(Reason.NOT_CLAIMED)
    if execution.state == command.outcome:
        return move.build()
    if command.outcome not in _REPORTABLE.get(execution.state, ()):
        return refuse(Reason.ALREADY_REPORTED, state=execution.state)
    success, before = command.outcome == "succeeded", move.state
    _record_outcome(move, ExecutionState(command.outcome), command)
    counts = was_reviewed(before) if success else not (counted_as_failure(before) or _was_told_to_stop(before))
    return update_autonomy(move, success=success) if counts else move.build()


def _was_told_to_stop(state: PackageState) -> bool:
    """Whether people held or cancelled the thread, or changed the plan, while the action was running."""
    return state.is_running and state.followed is not None


def _record_outcome(move: Move, state: ExecutionState, command: ReportExecution | None = None) -> Move:
    report = {"state": state, "reported_at": move.situation.now, "event_id": move.event_id}
    changes: StateChanges = {
        "execution": move.state.execution.model_copy(update=report),
        "outcome_by": None,
        "lapses_at": None,
        **({} if _keeps_recovery(move.state, state) else _ASKED_AGAIN),
    }
    words: Words | None = {"detail": command.detail} if command else None
    return move.record(EventType.of("execution", state), changes, outcome=state, words=words)


_ASKED_AGAIN: StateChanges = {"recovery": None, "retry_votes": ()}


def _keeps_recovery(state: PackageState, outcome: ExecutionState) -> bool:
    """Whether the outcome is what people decided for. Any other one is a new failure, or makes a retry needless."""
    match state.recovery.decision if state.recovery else None:
        case RecoveryDecision.RETRY:
            return state.execution.state is ExecutionState.CLAIMED and outcome is ExecutionState.SUCCEEDED
        case RecoveryDecision.ROLLBACK:
            return outcome is ExecutionState.ROLLED_BACK
        case decision:
            return decision is RecoveryDecision.ABANDON


def lapse(move: Move, _: Command) -> Transition:
    """A permission that nobody claimed in time. After a retry, people can decide again."""
    if not move.state.retry_open:
        return _record_outcome(move, ExecutionState.LAPSED).build()
    execution = move.state.execution.model_copy(update={"retry_lapsed_at": move.situation.now})
    changes: StateChanges = {**_ASKED_AGAIN, "execution": execution, "lapses_at": None}
    return move.record(EventType.PACKAGE_RETRY_EXPIRED, changes).build()


def lose_track(move: Move, _: Command) -> Transition:
    """Record the outcome as unknown. It is never tried again, and it counts as a failure of the agent."""
    before = move.state
    _record_outcome(move, ExecutionState.UNKNOWN)
    return move.build() if counted_as_failure(before) else update_autonomy(move, success=False)


# The effect of an outcome on the agent's earned autonomy.


def decided_by_people(state: PackageState) -> bool:
    return state.decision is not None and state.decision.basis in (Basis.HUMAN, Basis.QUORUM)


def was_reviewed(state: PackageState) -> bool:
    """Whether a person approved it before, and nobody judged it unsound, or a person judged it sound afterwards.

    What an exception let through earns no autonomy.
    """
    if decided_by_people(state):
        return state.verdict is not Verdict.UNSOUND
    return state.verdict is Verdict.SOUND and not state.exception_uses


def counted_as_failure(state: PackageState) -> bool:
    """Whether this package already counted as a failure of its agent. It counts once."""
    return state.execution.state in FAILURES or (state.verdict is Verdict.UNSOUND and not was_edited(state))


def was_edited(state: PackageState) -> bool:
    """Whether a reviewer changed what was approved: a verdict on that is none on the agent."""
    by_decider = state.decision is not None and state.decision.decision is HumanDecisionType.APPROVE_WITH_EDITS
    return by_decider or Bar.EDITOR in state.barred.values()


def update_autonomy(move: Move, *, success: bool) -> Transition:
    """Build the transition with the updated profile, and with an event if the autonomy level changed."""
    before = profile_of(move.state, move.situation)
    after = before.record_outcome(success=success, now=move.situation.now, settings=move.situation.policy.autonomy)
    if after.current_level is not before.current_level:
        move.record(EventType.AUTONOMY_CHANGED, reason=level_change(before.current_level, after.current_level))
    return move.build(after)


def profile_of(state: PackageState, situation: Situation) -> AutonomyProfile:
    return situation.profile or start_profile(state.agent_id, state.action_type, situation.policy)
