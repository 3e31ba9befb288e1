"""Stricter handling of a package: silence stops counting (`harden`), or the next role is asked (`climb_to`)."""

from __future__ import annotations

from typing import Unpack

from rules.authority.assignment import assign_task
from rules.authority.authorization import eligible_users, question_of
from rules.authority.silence import anyone_present
from rules.reasons import Reason, Refusal, refuse
from rules.scales import HITLLevel
from rules.state.changes import StateChanges, apply_changes
from rules.state.commands import (
    Escalate,
    HumanDecisionType,
    Object,
)
from rules.state.deadline import restart_task, timing_for_role
from rules.state.events import Cause, EventType
from rules.state.model import PackageState, ReviewTask, Why
from rules.state.situation import Situation
from rules.state.transition import Move, Transition, Words


def object_(move: Move, command: Object) -> Transition:
    """Silence no longer counts: the same version now waits for an explicit approval."""
    noes: StateChanges = {"noes": (*move.state.noes, move.make_no())}
    words: Words = {"comment": command.comment}
    move.record(EventType.HUMAN_DECISION_RECORDED, noes, decision=HumanDecisionType.OBJECT, words=words)
    return harden(move, Cause.OBJECTION, "someone objected").build()


def harden(move: Move, cause: Cause, because: str, **more: Unpack[StateChanges]) -> Move:
    state = move.state
    why = Why(rule=cause.value, level=HITLLevel.HARD_APPROVAL, because=because)
    task = restart_task(state.task, state.terms, move.situation.policy, move.situation.now, state.expires_at)
    changes: StateChanges = {"level": HITLLevel.HARD_APPROVAL, "why": (why, *state.why), "task": task, **more}
    return move.record(EventType.PACKAGE_HARDENED, changes, reason=cause)


def escalate(move: Move, command: Escalate) -> Transition | Refusal:
    """Climb to the next rung that has reviewers, or to the rung of the role that the command names."""
    terms, rung = move.state.terms, move.state.task.rung
    above = terms.ladder[rung:]
    if not above:
        return refuse(Reason.TOP_OF_LADDER, role=move.state.task.required_role)
    if command.to_role is not None and command.to_role not in above:
        return refuse(Reason.NOT_ON_LADDER, role=command.to_role, ladder=", ".join(above))
    target = next_rung(move.state, move.situation, command.to_role)
    if target is None:
        facts = {"role": command.to_role or above[-1], "action_type": move.state.action_type, "risk": move.state.risk}
        return refuse(Reason.NO_ELIGIBLE_REVIEWER, **facts)
    move.record(
        EventType.HUMAN_DECISION_RECORDED, decision=HumanDecisionType.ESCALATE, words={"comment": command.comment}
    )
    return climb_to(move, target, Cause.ESCALATION).build()


def next_rung(state: PackageState, situation: Situation, role: str | None = None) -> int | None:
    """The next rung with a reviewer who is present; if all are away, the next rung with any reviewer."""
    roster, now, names = situation.roster, situation.now, state.terms.ladder
    rungs = [rung for rung in range(state.task.rung + 1, state.terms.top + 1) if role in (None, names[rung - 1])]
    staffed = (rung for rung in rungs if anyone_present(state, roster, now, names[rung - 1]))
    with_reviewers = (rung for rung in rungs if eligible_users(roster, question_of(state), now, names[rung - 1]))
    return next(staffed, None) or next(with_reviewers, None)


_CLIMBED = {
    Cause.ESCALATION: "someone escalated it",
    Cause.TIMEOUT: "nobody answered in time",
    Cause.NOBODY_LEFT: "nobody who was asked can decide it any more",
}


def climb_to(move: Move, rung: int, cause: Cause) -> Move:
    """Ask the role of this rung. The new role has not been silent yet, so from now on silence does not count."""
    if move.state.soft:
        harden(move, cause, _CLIMBED[cause])
    state, now = move.state, move.situation.now
    role = state.terms.role_at(rung)
    task = ReviewTask(
        review_task_id=f"rt_{move.situation.fresh_id}",
        rung=rung,
        required_role=role,
        priority=state.task.priority,
        created_at=now,
        **timing_for_role(state.terms, role, move.situation.policy, now, state.expires_at),
    )
    task = assign_task(apply_changes(state, {"task": task}), move.situation)
    return move.record(EventType.PACKAGE_ESCALATED, {"task": task}, reason=cause)
