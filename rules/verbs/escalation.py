"""Stricter handling of a package: silence stops counting (`harden`), or the next role is asked (`climb_to`).

Both only ever tighten. `climb_to` also hardens: the role that is asked now has not been silent yet. People escalate by
a command, and the clock does when time runs out or nobody is left who may decide.
"""

from __future__ import annotations

from typing import Unpack

from rules.authority.assignment import assign_task, check_assignee, check_free
from rules.authority.authorization import (
    authorize,
    check_independence,
    deciding_roles,
    eligible_users,
    question_asked,
    question_in,
)
from rules.authority.ladder import deciding_rungs
from rules.authority.silence import anyone_present
from rules.authority.standards import Standard
from rules.people.directory import ReviewerAuthorization
from rules.reasons import Reason, Refusal, refuse
from rules.scales import HITLLevel
from rules.state.changes import StateChanges, apply_changes
from rules.state.commands import (
    Escalate,
    HumanDecisionType,
    Object,
)
from rules.state.events import Cause, EventType
from rules.state.model import PackageState, ReviewTask, Why
from rules.state.situation import Situation
from rules.state.terms import restart_task, terms_today, timing_for_role
from rules.state.transition import Move, Transition, Words


def object_(move: Move, command: Object) -> Transition:
    """Silence no longer counts: the same version now waits for an explicit approval."""
    noes: StateChanges = {"noes": (*move.state.noes, move.make_no())}
    words: Words = {"comment": command.comment}
    move.record(EventType.HUMAN_DECISION_RECORDED, noes, decision=HumanDecisionType.OBJECT, words=words)
    return harden(move, Cause.OBJECTION, "someone objected").build()


def harden(move: Move, cause: Cause, because: str, **more: Unpack[StateChanges]) -> Move:
    """Require an explicit approval from now on, with the full time for it. `because`: the reason, for people."""
    state = move.state
    why = Why(rule=cause.value, level=HITLLevel.HARD_APPROVAL, because=because)
    task = restart_task(state.task, state.terms, move.situation.policy, move.situation.now, state.expires_at)
    changes: StateChanges = {"level": HITLLevel.HARD_APPROVAL, "why": (why, *state.why), "task": task, **more}
    return move.record(EventType.PACKAGE_HARDENED, changes, reason=cause)


def escalate(move: Move, command: Escalate) -> Transition | Refusal:
    """Ask the named person, the role that the command names, or the next rung that has reviewers."""
    terms, rung = move.state.terms, move.state.task.rung
    above = terms.ladder[rung:]
    if not above:
        return refuse(Reason.TOP_OF_LADDER, role=move.state.task.required_role)
    if command.to_role is not None and command.to_role not in above:
        return refuse(Reason.NOT_ON_LADDER, role=command.to_role, ladder=", ".join(above))
    target = _target_rung(move, command)
    if isinstance(target, Refusal):
        return target
    move.record(
        EventType.HUMAN_DECISION_RECORDED, decision=HumanDecisionType.ESCALATE, words={"comment": command.comment}
    )
    if target == rung:
        return _give_task_to(move, command.to_person).build()
    return climb_to(move, target, Cause.ESCALATION, command.to_person).build()


def _target_rung(move: Move, command: Escalate) -> int | Refusal:
    state, situation = move.state, move.situation
    if command.to_person:
        return _check_may_name(state, situation) or _rung_of_person(
            state, situation, command.to_person, command.to_role
        )
    target = next_rung(state, situation, command.to_role)
    role = command.to_role or state.terms.ladder[-1]
    return target or refuse(Reason.NO_ELIGIBLE_REVIEWER, role=role, action_type=state.action_type, risk=state.risk)


def _check_may_name(state: PackageState, situation: Situation) -> Refusal | None:
    """Nobody chooses who approves what they asked for themselves, and a claimed task is not taken away."""
    actor = situation.actor.actor_id
    if state.task.assigned_to not in (None, actor):
        return refuse(Reason.TASK_CLAIMED, assignee=state.task.assigned_to)
    person = situation.roster.person(actor)
    return check_independence(person, question_asked(state)) if person else None


def _rung_of_person(state: PackageState, situation: Situation, user_id: str, role: str | None) -> int | Refusal:
    """The rung of the named role, if this person could decide there; else the lowest one where they could."""
    here, above = state.task.rung, range(state.task.rung + 1, state.terms.top + 1)
    deciding = deciding_roles(state, situation.policy)
    everyone = question_in(state, *deciding, *state.terms.ladder[here:])
    if refusal := check_assignee(user_id, everyone, situation) or check_free(user_id, state, situation):
        return refusal
    able = [rung for rung in above if _could_decide(state, user_id, situation, state.terms.role_at(rung))]
    named = [rung for rung in able if state.terms.role_at(rung) == role]
    decides_now = _could_decide(state, user_id, situation, *deciding)
    return (named or ([here] if decides_now else able))[0]


def _could_decide(state: PackageState, user_id: str, situation: Situation, *roles: str) -> bool:
    able = authorize(situation.roster, user_id, Standard.PROCEED, question_in(state, *roles), situation.now)
    return isinstance(able, ReviewerAuthorization)


def _give_task_to(move: Move, user_id: str | None) -> Move:
    """The same rung and deadline, but from now on the task is this person's. Silence no longer counts."""
    if move.state.soft:
        harden(move, Cause.ESCALATION, _CLIMBED[Cause.ESCALATION])
    task = move.state.task.model_copy(update={"assigned_to": user_id, "stands_in_for": None})
    return move.record(EventType.TASK_ASSIGNED, {"task": task}, reason=Cause.ESCALATION)


def next_rung(state: PackageState, situation: Situation, role: str | None = None) -> int | None:
    """The next rung with a reviewer who is present; if all are away, the next rung with any reviewer."""
    roster, now, names = situation.roster, situation.now, state.terms.ladder
    rungs = [rung for rung in range(state.task.rung + 1, state.terms.top + 1) if role in (None, names[rung - 1])]
    staffed = (rung for rung in rungs if anyone_present(state, roster, now, names[rung - 1]))
    with_reviewers = (rung for rung in rungs if eligible_users(roster, question_in(state, names[rung - 1]), now))
    return next(staffed, None) or next(with_reviewers, None)


_CLIMBED = {
    Cause.ESCALATION: "someone escalated it",
    Cause.TIMEOUT: "nobody answered in time",
    Cause.NOBODY_LEFT: "nobody who was asked can decide it any more",
}


def climb_to(move: Move, rung: int, cause: Cause, assignee: str | None = None) -> Move:
    """Ask the role of this rung. The new role has not been silent yet, so from now on silence does not count.

    A person who escalates moves the package. Otherwise the roles that may decide now may also decide afterwards.
    """
    if move.state.soft:
        harden(move, cause, _CLIMBED[cause])
    state, now = move.state, move.situation.now
    role = state.terms.role_at(rung)
    today = terms_today(state, move.situation.policy)
    keeps = cause is not Cause.ESCALATION and today.ladder_keeps
    task = ReviewTask(
        review_task_id=f"rt_{move.situation.fresh_id}",
        rung=rung,
        assigned_to=assignee,
        kept_from=deciding_rungs(state, today).start if keeps else None,
        required_role=role,
        priority=state.task.priority,
        created_at=now,
        **timing_for_role(state.terms, role, move.situation.policy, now, state.expires_at),
    )
    if assignee is None:
        task = assign_task(apply_changes(state, {"task": task}), move.situation)
    return move.record(EventType.PACKAGE_ESCALATED, {"task": task}, reason=cause)
