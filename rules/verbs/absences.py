"""Tasks of people who are away: a task is reassigned, returns with its assignee, or climbs if nobody is left.

Delegation moves tasks, never authority: a stand-in must be able to decide the package in their own right.
"""

from __future__ import annotations

from datetime import datetime

from rules.authority.assignment import assign_task
from rules.authority.authorization import Question, authorize, eligible_users, question_asked, question_of
from rules.authority.silence import anyone_present, is_away
from rules.authority.standards import Standard
from rules.people.directory import ReviewerAuthorization, Roster
from rules.state.changes import apply_changes
from rules.state.commands import Verb
from rules.state.events import Cause, EventType
from rules.state.model import PackageState, ReviewTask, Status
from rules.state.service_commands import Relieve
from rules.state.situation import Situation
from rules.state.transition import Move, Transition
from rules.verbs.escalation import climb_to, next_rung


def needs_relief(state: PackageState, roster: Roster, now: datetime) -> bool:
    """Whether the task must be reassigned, must return, or must climb. Not in a held thread or by a stale directory."""
    if state.hold or not roster.directory.is_fresh(roster.policy, now):
        return False
    back, absent = _original_is_back(state, roster, now), _assignee_is_absent(state, roster, now)
    return back or absent or next_staffed_rung(state, roster, now) is not None


def relief_is_due(state: PackageState, _: Verb, situation: Situation) -> bool:
    return needs_relief(state, situation.roster, situation.now)


def relieve(move: Move, _: Relieve) -> Transition:
    return cover_absences(move).build()


def cover_absences(move: Move) -> Move:
    """Reassign, return or escalate the task if people are away. Rules that put a package into the queue call it."""
    state, roster, now = move.state, move.situation.roster, move.situation.now
    if not needs_relief(state, roster, now):
        return move
    if (rung := next_staffed_rung(state, roster, now)) is not None:
        return climb_to(move, rung, Cause.NOBODY_LEFT)
    back = _original_is_back(state, roster, now)
    task = _return_task(state.task) if back else _reassign_task(move)
    return move.record(EventType.TASK_ASSIGNED, {"task": task}, reason=Cause.BACK if back else Cause.ABSENT)


def climb_if_nobody_is_left(move: Move) -> Move:
    """After someone was barred: if nobody who is asked can decide any more, ask the next rung at once."""
    eligible = eligible_users(move.situation.roster, question_asked(move.state), move.situation.now)
    rung = next_rung(move.state, move.situation)
    pending = move.state.status is Status.PENDING
    return climb_to(move, rung, Cause.NOBODY_LEFT) if pending and not eligible and rung else cover_absences(move)


def _assignee_is_absent(state: PackageState, roster: Roster, now: datetime) -> bool:
    assignee = state.task.assigned_to
    return assignee is not None and not _is_available(state, roster, assignee, now)


def _original_is_back(state: PackageState, roster: Roster, now: datetime) -> bool:
    """Whether the task returns to its original assignee. A stand-in who has voted and is available keeps it."""
    task = state.task
    began = any(vote.reviewer_id == task.assigned_to for vote in state.votes)
    kept = began and not _assignee_is_absent(state, roster, now)
    return task.stands_in_for is not None and not kept and _is_available(state, roster, task.stands_in_for, now)


def _is_available(state: PackageState, roster: Roster, user_id: str, now: datetime) -> bool:
    """Whether this person could approve now and is not away."""
    return _could_approve(roster, user_id, question_of(state, roster.policy), now)


def _could_approve(roster: Roster, user_id: str, question: Question, now: datetime) -> bool:
    able = authorize(roster, user_id, Standard.PROCEED, question, now)
    return isinstance(able, ReviewerAuthorization) and not is_away(roster, user_id, now)


def next_staffed_rung(state: PackageState, roster: Roster, now: datetime) -> int | None:
    """The next rung on which someone is present, if nobody is on this one.

    None if nobody is present on any rung: then the deadline decides.
    """
    if state.status is not Status.PENDING or anyone_present(state, roster, now):
        return None
    above = range(state.task.rung + 1, state.terms.top + 1)
    return next((rung for rung in above if anyone_present(state, roster, now, state.terms.role_at(rung))), None)


def _return_task(task: ReviewTask) -> ReviewTask:
    return task.model_copy(update={"assigned_to": task.stands_in_for, "stands_in_for": None})


def _reassign_task(move: Move) -> ReviewTask:
    """Give the task to the delegate as a stand-in; without one, let the policy assign it."""
    state, task = move.state, move.state.task
    delegate = _available_delegate(state, move.situation.roster, move.situation.now)
    original = (task.stands_in_for or task.assigned_to) if delegate else None
    reassigned = task.model_copy(update={"assigned_to": delegate, "stands_in_for": original})
    return reassigned if delegate else assign_task(apply_changes(state, {"task": reassigned}), move.situation)


def _available_delegate(state: PackageState, roster: Roster, now: datetime) -> str | None:
    """The first person in the chain of delegates who is asked. Each counts only while the person before is away."""
    user_id, visited = state.task.assigned_to, set[str]()
    while user_id and user_id not in visited:
        visited.add(user_id)
        person = roster.person(user_id)
        user_id = person.delegate if person and person.is_away(now) else None
        if user_id and _could_approve(roster, user_id, question_asked(state), now):
            return user_id
    return None
