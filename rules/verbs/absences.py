"""Who is missed: the task of somebody who is away goes on, comes back with them, and climbs where nobody is left.

Delegation moves tasks, never authority: whoever comes in for somebody has to be able to decide it themselves.
"""

from __future__ import annotations

from datetime import datetime

from rules.authority.assignment import assign_task
from rules.authority.authorization import authorize, question_of
from rules.authority.silence import anyone_present, is_away
from rules.authority.standards import Standard
from rules.people.directory import ReviewerAuthorization, Roster
from rules.state.changes import apply_changes
from rules.state.clock_commands import Relieve
from rules.state.commands import Verb
from rules.state.events import Cause, EventType
from rules.state.model import PackageState, ReviewTask, Status
from rules.state.situation import Situation
from rules.state.transition import Move, Transition
from rules.verbs.escalation import climb_to


def needs_relief(state: PackageState, roster: Roster, now: datetime) -> bool:
    """A directory that is too old knows nobody: that is no reason to take anything from anybody."""
    if not roster.directory.is_fresh(roster.policy, now):
        return False
    back, missed = _is_back(state, roster, now), _is_missed(state, roster, now)
    return back or missed or next_staffed_rung(state, roster, now) is not None


def relief_is_due(state: PackageState, _: Verb, situation: Situation) -> bool:
    return needs_relief(state, situation.roster, situation.now)


def relieve(move: Move, _: Relieve) -> Transition:
    return cover_absences(move).build()


def cover_absences(move: Move) -> Move:
    """Also of what comes back into the queue: while nobody was asked, nobody was missed."""
    state, roster, now = move.state, move.situation.roster, move.situation.now
    if not needs_relief(state, roster, now):
        return move
    if (rung := next_staffed_rung(state, roster, now)) is not None:
        return climb_to(move, rung, Cause.NOBODY_LEFT)
    back = _is_back(state, roster, now)
    task = _given_back(state.task) if back else _handed_on(move)
    return move.record(EventType.TASK_ASSIGNED, {"task": task}, reason=Cause.BACK if back else Cause.ABSENT)


def _is_missed(state: PackageState, roster: Roster, now: datetime) -> bool:
    assignee = state.task.assigned_to
    return assignee is not None and not _is_there(state, roster, assignee, now)


def _is_back(state: PackageState, roster: Roster, now: datetime) -> bool:
    """A stand-in who has voted keeps what they began, for as long as they are there."""
    task = state.task
    began = any(vote.reviewer_id == task.assigned_to for vote in state.votes)
    kept = began and not _is_missed(state, roster, now)
    return task.stands_in_for is not None and not kept and _is_there(state, roster, task.stands_in_for, now)


def _is_there(state: PackageState, roster: Roster, user_id: str, now: datetime) -> bool:
    """Could decide it, and is not away."""
    able = authorize(roster, user_id, Standard.PROCEED, question_of(state), now)
    return isinstance(able, ReviewerAuthorization) and not is_away(roster, user_id, now)


def next_staffed_rung(state: PackageState, roster: Roster, now: datetime) -> int | None:
    """The next rung with somebody on it, if this one has nobody; where nobody is anywhere, the deadline will tell."""
    if state.status is not Status.PENDING or anyone_present(state, roster, now):
        return None
    above = range(state.task.rung + 1, state.terms.top + 1)
    return next((rung for rung in above if anyone_present(state, roster, now, state.terms.role_at(rung))), None)


def _given_back(task: ReviewTask) -> ReviewTask:
    return task.model_copy(update={"assigned_to": task.stands_in_for, "stands_in_for": None})


def _handed_on(move: Move) -> ReviewTask:
    """To the delegate, who keeps it for them; else to nobody, or to whoever the policy hands it to."""
    state, task = move.state, move.state.task
    delegate = _delegate(state, move.situation.roster, move.situation.now)
    whose = (task.stands_in_for or task.assigned_to) if delegate else None
    handed = task.model_copy(update={"assigned_to": delegate, "stands_in_for": whose})
    return handed if delegate else assign_task(apply_changes(state, {"task": handed}), move.situation)


def _delegate(state: PackageState, roster: Roster, now: datetime) -> str | None:
    """Named for an absence, and for no longer than that; who is away too has named the next, in whatever order."""
    named, passed = state.task.assigned_to, set[str]()
    while named and named not in passed:
        passed.add(named)
        person = roster.person(named)
        named = person.delegate if person and person.is_away(now) else None
        if named and _is_there(state, roster, named, now):
            return named
    return None
