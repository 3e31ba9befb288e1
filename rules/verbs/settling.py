"""Recording a decision: by a person, a quorum, silence, the policy or time.

Every decision of a package is made by `settle`, whoever made it, so its consequences are in one place: when the
permission expires, whether the thread is free again, and whether it is picked for a second look.
"""

from __future__ import annotations

from datetime import datetime

from rules.authority.exceptions import exception_end
from rules.authority.looks import ask_someone, audit_rate, is_drawn
from rules.package.exceptions import PolicyException
from rules.package.takeover_reach import has_thread_or_run
from rules.people.directory import ActorKind
from rules.state.changes import StateChanges, apply_changes
from rules.state.commands import HumanDecisionType, OverrideDecision
from rules.state.decisions import WITHOUT_PEOPLE, Basis, Decision, Seat
from rules.state.events import Cause, DetailedReason, EventType
from rules.state.model import PackageState, Status
from rules.state.situation import Situation
from rules.state.terms import terms_today
from rules.state.transition import Move, Words


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
    grant_id: str | None = None,
    reason: Cause | DetailedReason | None = None,
    words: Words | None = None,
    changes: StateChanges | None = None,
) -> Move:
    """Move the package to `status`. `event_id` is the event under which the words of the decision are stored."""
    new_decision = Decision(
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
        grant_id=grant_id,
    )
    decided: StateChanges = {"status": status, "decision": new_decision}
    update: StateChanges = {**decided, **_consequences(apply_changes(move.state, decided), move), **(changes or {})}
    move.record(EventType.of("package", status), update, decision=decision, basis=basis, reason=reason, words=words)
    return _draw_look(move)


def _draw_look(move: Move) -> Move:
    """Ask someone to look, if this decision is picked. If nobody can be asked, the record says so."""
    state, rate = move.state, move.state.audit_rate
    decision = state.decision if state.proceeds else None
    if decision is None or rate is None or not is_drawn(decision.event_id, rate):
        return move
    look = None if state.ends_look else ask_someone(state, move.situation)
    if look is None:
        return move.record(EventType.REVIEW_NOT_POSSIBLE)
    return move.record(EventType.REVIEW_PICKED, {"look": look, "sampled": True})


def grant_exception(move: Move) -> Move:
    """From now on an approved exception holds, for as long as the policy allows at most."""
    if move.state.exception is None or move.state.status is not Status.APPROVED:
        return move
    granted = move.state.exception.model_copy(update={"granted_at": move.situation.now})
    return move.record(EventType.EXCEPTION_GRANTED, {"exception": with_end_today(granted, move.situation)})


def with_end_today(granted: PolicyException, situation: Situation) -> PolicyException:
    """With the end that today's policy allows. People are told before it, at the earliest halfway."""
    end, now = exception_end(granted, situation.policy), situation.now
    announce_at = max(end - situation.policy.exceptions.announce, now + (end - now) / 2)
    return granted.model_copy(update={"ends_at": end, "announce_at": announce_at if now < end else None})


def _consequences(settled: PackageState, move: Move) -> StateChanges:
    """The other changes: when the approval expires, whether the thread is free, whether it is sampled for review."""
    after: StateChanges = {"answer_by": None, "wake_at": None, "lapses_at": None}
    if settled.proceeds:
        after["lapses_at"] = lapse_time(settled, move.situation)
    if _may_be_sampled(settled):
        after["sampled"] = move.situation.chance < move.situation.policy.soft.sample
    if rate := audit_rate(settled, move.situation):
        after["audit_rate"] = rate
    if settled.status.terminal:
        after["holds_thread"] = _keeps_thread(settled, move)
        if not (settled.proceeds or (settled.exception and settled.status is Status.APPROVED)):
            after["hold"] = None
    return after


def _keeps_thread(settled: PackageState, move: Move) -> bool:
    """Only people release a thread: an agent that withdraws does not, and neither does time."""
    if settled.status is Status.TAKEN_OVER:
        return has_thread_or_run(settled)
    by_people = settled.decision is not None and bool(settled.decision.reviewers)
    return settled.holds_thread and not (by_people or move.situation.actor.kind is ActorKind.PERSON)


def _may_be_sampled(settled: PackageState) -> bool:
    """Whether it went ahead without a person, or a person overrode the recommendation."""
    unattended = settled.proceeds and settled.decision is not None and settled.decision.basis in WITHOUT_PEOPLE
    return unattended or settled.status is Status.OVERRIDDEN


def lapse_time(state: PackageState, situation: Situation) -> datetime:
    """When a permission that is given now expires, if it is not used."""
    end = situation.now + terms_today(state, situation.policy).approval_expiry
    return min(end, state.expires_at) if state.expires_at else end
