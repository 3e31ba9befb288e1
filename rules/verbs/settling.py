"""How a package comes to a decision, whatever brought it there: a person, a quorum, silence, policy or time."""

from __future__ import annotations

from datetime import datetime

from rules.people.directory import ActorKind
from rules.state.changes import StateChanges, apply_changes
from rules.state.commands import HumanDecisionType, OverrideDecision
from rules.state.events import Cause, DetailedReason, EventType
from rules.state.model import Basis, Decision, PackageState, Seat, Status
from rules.state.situation import Situation
from rules.state.takeover_reach import has_thread_or_run
from rules.state.terms import terms_today
from rules.state.transition import Move, Words

_BY_ITSELF = (Basis.POLICY, Basis.SILENT_CONSENT)


def settle(
    move: Move,
    status: Status,
    decision: HumanDecisionType | None,
    basis: Basis,
    *,
    reviewers: tuple[Seat, ...] = (),
    event_id: str | None = None,
    rendering_id: str | None = None,
    override: OverrideDecision | None = None,
    reason: Cause | DetailedReason | None = None,
    words: Words | None = None,
    changes: StateChanges | None = None,
) -> Move:
    """The package takes on `status`. `event_id` is that of the event beside which the words of the decision lie."""
    made = Decision(
        decision=decision,
        basis=basis,
        reviewers=reviewers,
        event_id=event_id or move.event_id,
        override_decision=override,
        decided_at=move.situation.now,
        latency_ms=move.latency_ms,
        package_version=move.state.version,
        policy_version=move.situation.policy.full_version,
        rendering_id=rendering_id,
        rendering_ids=move.form_renderings,
    )
    decided: StateChanges = {"status": status, "decision": made}
    update: StateChanges = {**decided, **_aftermath(apply_changes(move.state, decided), move), **(changes or {})}
    return move.record(
        EventType.of("package", status), update, decision=decision, basis=basis, reason=reason, words=words
    )


def _aftermath(settled: PackageState, move: Move) -> StateChanges:
    """What follows of itself: a permission lapses, a thread is free again, a share is looked at afterwards."""
    after: StateChanges = {"answer_by": None, "wake_at": None, "lapses_at": None}
    if settled.proceeds:
        after["lapses_at"] = lapse_time(settled, move.situation)
    if _worth_a_look(settled):
        after["sampled"] = move.situation.chance < move.situation.policy.soft.sample
    if settled.status.terminal:
        after["holds_thread"] = _still_held(settled, move)
    return after


def _still_held(settled: PackageState, move: Move) -> bool:
    """Only people let go of a thread: neither does an agent free it by withdrawing, nor does time."""
    if settled.status is Status.TAKEN_OVER:
        return has_thread_or_run(settled)
    return settled.holds_thread and move.situation.actor.kind is not ActorKind.PERSON


def _worth_a_look(settled: PackageState) -> bool:
    """What went ahead without a person, and what a person decided against the recommendation."""
    by_itself = settled.proceeds and settled.decision is not None and settled.decision.basis in _BY_ITSELF
    return by_itself or settled.status is Status.OVERRIDDEN


def lapse_time(state: PackageState, situation: Situation) -> datetime:
    end = situation.now + terms_today(state, situation.policy).approval_expiry
    return min(end, state.expires_at) if state.expires_at else end
