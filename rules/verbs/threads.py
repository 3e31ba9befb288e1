"""What a package does when its thread is held, resumed, cancelled or handed over.

While it is held, people may still decide on it, but its time stands: no deadline, no reminder, no silence, no expiry
of an approval. Two things do run: the package's own `expires_at`, and the time to report an execution that was claimed
before. On resumption each deadline moves by the time that it stood still, and silence starts again from nothing.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from rules.authority.assignment import assign_task
from rules.people.directory import reference
from rules.reasons import Reason, Refusal, refuse
from rules.state.changes import StateChanges
from rules.state.decisions import Basis, Hold, Seat
from rules.state.events import Cause, DetailedReason, EventType
from rules.state.model import Bar, PackageState, Status
from rules.state.service_commands import (
    CancelWithThread,
    HandOverWithThread,
    HoldWithThread,
    ResumeWithThread,
    RevokeWithHandoff,
    RevokeWithThread,
    ThreadConsequence,
)
from rules.state.transition import Move, Transition
from rules.verbs.absences import climb_if_nobody_is_left, cover_absences
from rules.verbs.escalation import harden
from rules.verbs.settling import settle


def hold_with_thread(move: Move, command: HoldWithThread) -> Transition | Refusal:
    """If someone takes over another's hold, the time stands still since the first one."""
    state, cause = move.state, Cause.THREAD_HELD.of_event(command.thread_event_id)
    if state.is_running:
        return _note_only(move, cause, command.thread_event_id)
    if not state.is_stoppable:
        return refuse(Reason.NOT_IN_THIS_STATE, status=state.status, verb="a hold")
    stop = Hold(
        by=move.situation.actor.actor_id,
        since=state.hold.since if state.hold else command.since,
        event_id=command.thread_event_id,
        thread_key=command.thread_key,
    )
    changes: StateChanges = {"hold": stop, "followed": command.thread_event_id}
    return move.record(EventType.PACKAGE_HELD, changes, reason=cause).build()


def _note_only(move: Move, cause: DetailedReason, followed: str | None) -> Transition:
    """An action that is already running is not stopped: only its record and its card show what happened."""
    return move.record(EventType.PACKAGE_THREAD_CHANGED, {"followed": followed}, reason=cause).build()


def resume_with_thread(move: Move, command: ResumeWithThread) -> Transition:
    """End the hold. Deadlines move by the time that it lasted."""
    state, cause = move.state, Cause.THREAD_RESUMED.of_event(command.thread_event_id)
    if state.is_running:
        return _note_only(move, cause, followed=command.thread_event_id if command.new_plan else None)
    if state.hold is None:
        return move.build()
    changes = _moved_deadlines(state, state.hold.since, move.situation.now)
    changes |= {"hold": None, "followed": None}
    move.record(EventType.PACKAGE_RESUMED, changes, reason=cause)
    # While it was held, nobody took the places of people who went away.
    return (cover_absences(move) if move.state.status is Status.PENDING else move).build()


def _moved_deadlines(state: PackageState, held_since: datetime, now: datetime) -> StateChanges:
    """Each deadline later by the time that it stood still: since the hold or, if it began later, since then."""
    decided_at = state.decision.decided_at if state.decision else held_since

    def moved(deadline: datetime, began: datetime) -> datetime:
        return deadline + max(timedelta(0), now - max(held_since, began))

    changes: StateChanges = {"shown": None}
    if not state.status.terminal:
        due_at = moved(state.task.due_at, state.task.timed_from or state.task.created_at)
        changes["task"] = state.task.model_copy(update={"due_at": due_at})
    if state.answer_by:
        changes["answer_by"] = moved(state.answer_by, decided_at)
    if state.lapses_at:
        lapses_at = moved(state.lapses_at, decided_at)
        changes["lapses_at"] = min(lapses_at, state.expires_at) if state.expires_at else lapses_at
    return changes


def cancel_with_thread(move: Move, command: CancelWithThread) -> Transition | Refusal:
    """Cancel an open package. What already runs is only noted."""
    cause = Cause.THREAD_CANCELLED.of_event(command.thread_event_id)
    if move.state.is_running:
        return _note_only(move, cause, command.thread_event_id)
    if move.state.status.terminal:
        return refuse(Reason.NOT_IN_THIS_STATE, status=move.state.status, verb="a cancellation")
    return _end(move, command, Status.CANCELLED, cause, is_no=True)


def revoke_with_thread(move: Move, command: RevokeWithThread) -> Transition | Refusal:
    state, cause = move.state, Cause.THREAD_CHANGED.of_event(command.thread_event_id)
    if not state.lets_through:
        return refuse(Reason.NOT_IN_THIS_STATE, status=state.status, verb="a revocation")
    return _end(move, command, Status.REVOKED, cause, is_no=command.for_good)


def _end(move: Move, command: ThreadConsequence, status: Status, cause: DetailedReason, *, is_no: bool) -> Transition:
    """End it. `is_no`: cancelling a thread says no to its packages; resuming it with another plan only revokes them."""
    noes: StateChanges = {"noes": (*move.state.noes, move.make_no())} if is_no else {}
    reviewers = (Seat(reviewer_id=move.situation.actor.actor_id, role=command.role),)
    return settle(move, status, None, Basis.HUMAN, reviewers=reviewers, reason=cause, changes=noes).build()


def hand_over_with_thread(move: Move, command: HandOverWithThread) -> Transition | Refusal:
    """From now on another agent asks, and its owner is barred too. Everybody who was barred stays barred.

    For what waits, silence no longer counts. If nobody is left to decide, the next rung is asked.
    """
    state, situation = move.state, move.situation
    cause = Cause.THREAD_HANDED_OVER.of_event(command.thread_event_id)
    if state.status.terminal and not state.is_unused:
        return refuse(Reason.NOT_IN_THIS_STATE, status=state.status, verb="a handoff")
    owner = situation.roster.user_of_reference(reference(command.owner))
    changes: StateChanges = {
        "agent_id": command.agent_id,
        "owner": command.owner,
        "barred": command.bars | {owner: Bar.OWNER} | state.barred,
        "shown": None,
    }
    if not state.status.terminal and state.task.assigned_to == owner:
        changes["task"] = state.task.model_copy(update={"assigned_to": None})
    move.record(EventType.PACKAGE_HANDED_OVER, changes, reason=cause)
    if state.status.terminal:
        return move.build()
    if not move.state.task.assigned_to and (task := assign_task(move.state, situation)).assigned_to:
        move.record(EventType.TASK_ASSIGNED, {"task": task})
    if state.soft:
        harden(move, Cause.THREAD_HANDED_OVER, "another agent asks now")
    return climb_if_nobody_is_left(move).build()


def revoke_with_handoff(move: Move, command: RevokeWithHandoff) -> Transition | Refusal:
    state = move.state
    if not state.is_unused:
        return refuse(Reason.NOT_IN_THIS_STATE, status=state.status, verb="a revocation")
    cause = Cause.THREAD_HANDED_OVER.of_event(command.thread_event_id)
    return settle(move, Status.REVOKED, None, Basis.POLICY, reason=cause).build()
