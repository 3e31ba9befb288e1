"""How a package comes to need more: an objection makes it hard, an escalation takes it up the ladder."""

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
    """Silence no longer counts: the same version, now waiting for somebody to say yes."""
    noes: StateChanges = {"noes": (*move.state.noes, move.make_no())}
    words: Words = {"comment": command.comment}
    move.record(EventType.HUMAN_DECISION_RECORDED, noes, decision=HumanDecisionType.OBJECT, words=words)
    return harden(move, Cause.OBJECTION, "somebody objected").build()


def harden(move: Move, cause: Cause, because: str, **more: Unpack[StateChanges]) -> Move:
    state = move.state
    why = Why(rule=cause.value, level=HITLLevel.HARD_APPROVAL, because=because)
    task = restart_task(state.task, state.terms, move.situation.policy, move.situation.now, state.expires_at)
    changes: StateChanges = {"level": HITLLevel.HARD_APPROVAL, "why": (why, *state.why), "task": task, **more}
    return move.record(EventType.PACKAGE_HARDENED, changes, reason=cause)


def escalate(move: Move, command: Escalate) -> Transition | Refusal:
    """To the next rung with somebody on it, or to the one that was named."""
    terms, rung = move.state.terms, move.state.task.rung
    above = terms.ladder[rung:]
    if not above:
        return refuse(Reason.TOP_OF_LADDER, role=move.state.task.required_role)
    if command.to_role is not None and command.to_role not in above:
        return refuse(Reason.NOT_ON_LADDER, role=command.to_role, ladder=", ".join(above))
    aim = next_rung(move.state, move.situation, command.to_role)
    if aim is None:
        facts = {"role": command.to_role or above[-1], "action_type": move.state.action_type, "risk": move.state.risk}
        return refuse(Reason.NO_ELIGIBLE_REVIEWER, **facts)
    move.record(
        EventType.HUMAN_DECISION_RECORDED, decision=HumanDecisionType.ESCALATE, words={"comment": command.comment}
    )
    return climb_to(move, aim, Cause.ESCALATION).build()


def next_rung(state: PackageState, situation: Situation, role: str | None = None) -> int | None:
    """The next rung up on which anybody is there; where all who could decide are away, the next that has them."""
    roster, now, names = situation.roster, situation.now, state.terms.ladder
    rungs = [rung for rung in range(state.task.rung + 1, state.terms.top + 1) if role in (None, names[rung - 1])]
    there = (rung for rung in rungs if anyone_present(state, roster, now, names[rung - 1]))
    known = (rung for rung in rungs if eligible_users(roster, question_of(state), now, names[rung - 1]))
    return next(there, None) or next(known, None)


_CLIMBED = {
    Cause.ESCALATION: "somebody escalated it",
    Cause.TIMEOUT: "nobody answered in time",
    Cause.NOBODY_LEFT: "nobody who was asked can decide it any more",
}


def climb_to(move: Move, rung: int, cause: Cause) -> Move:
    """Whoever is asked now has not been silent yet: from here on, it takes a yes."""
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
