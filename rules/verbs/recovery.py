"""What people decide after a failure: whether the agent may try again, must undo what it did, or leaves it as it is.

A retry is one more claim under the same approval, so it requires what approving required. Until it is claimed, people
can still ask for a rollback or close the package. A new outcome starts over: people can decide again.

A package can also ask for this by itself (`interrupt_type: error_recovery`). Then a retry is its approval.
"""

from __future__ import annotations

from rules.authority.quorum import tally
from rules.package.model import Kind
from rules.reasons import Reason, Refusal, refuse
from rules.scales import HITLLevel
from rules.state.changes import StateChanges
from rules.state.commands import AllowRetry, AskRollback, Close, HumanDecisionType
from rules.state.decisions import FAILURES, Basis, ExecutionState, Recovery, RecoveryDecision
from rules.state.events import EventType
from rules.state.model import PackageState, Status
from rules.state.terms import terms_today
from rules.state.transition import Move, Transition, Words
from rules.verbs.decisions import approve, make_vote, seat_of_actor
from rules.verbs.settling import lapse_time, settle
from rules.wording import humanize

_R = RecoveryDecision


def retry_obstacle(state: PackageState) -> Refusal | None:
    """Why a retry cannot be allowed now, whoever asks."""
    if state.status is Status.PENDING:
        return _pending_obstacle(state, "a retry") or _grant_obstacle(state)
    undone = state.execution.state is ExecutionState.ROLLED_BACK
    return _failure_obstacle(state, "a retry", (None, *([_R.ROLLBACK] if undone else [])))


def rollback_obstacle(state: PackageState) -> Refusal | None:
    """Why a rollback cannot be asked for now."""
    if state.status is Status.PENDING:
        return _pending_obstacle(state, "a rollback")
    if state.execution.state is ExecutionState.ROLLED_BACK:
        return refuse(Reason.NOT_IN_THIS_STATE, status="rolled back", verb="a rollback")
    return _failure_obstacle(state, "a rollback", (None, _R.RETRY))


def close_obstacle(state: PackageState) -> Refusal | None:
    """Why it cannot be closed now."""
    if state.status is Status.PENDING:
        return _pending_obstacle(state, "closing it")
    return _failure_obstacle(state, "closing it", (None, _R.RETRY, _R.ROLLBACK))


def _pending_obstacle(state: PackageState, action_text: str) -> Refusal | None:
    return None if state.asks_recovery else refuse(Reason.NOT_IN_THIS_STATE, status=state.status, verb=action_text)


def _grant_obstacle(state: PackageState) -> Refusal | None:
    """A retry of a pending package is its approval, which some packages do not take."""
    allowed = state.allowed_decisions
    if allowed is not None and HumanDecisionType.APPROVE not in allowed:
        return refuse(Reason.DECISION_NOT_ALLOWED, verb="approve", decisions=", ".join(allowed))
    if state.level is HITLLevel.HUMAN_TAKEOVER:
        return refuse(Reason.LEVEL_IS_TAKEOVER)
    return refuse(Reason.A_QUESTION) if state.kind is Kind.QUESTION else None


def _failure_obstacle(
    state: PackageState, action_text: str, after: tuple[RecoveryDecision | None, ...]
) -> Refusal | None:
    """Refuse without a failure, and after any decision but these."""
    if not state.proceeds or state.execution.state not in FAILURES:
        status = state.execution.state if state.proceeds else state.status
        return refuse(Reason.NOT_IN_THIS_STATE, status=humanize(status), verb=action_text)
    decided = state.recovery
    if decided is None or decided.decision in after:
        return None
    return refuse(Reason.RECOVERY_DECIDED, by=f"<@{decided.by.reviewer_id}>", decision=decided.decision)


def allow_retry(move: Move, command: AllowRetry) -> Transition | Refusal:
    """Vote for a retry. If that completes the quorum of an approval, the agent may claim once more."""
    state, situation = move.state, move.situation
    if refusal := retry_obstacle(state):
        return refusal
    if state.status is Status.PENDING:
        return approve(move, command)
    if state.is_past_expiry(situation.now):
        return refuse(Reason.ALREADY_EXPIRED)
    if state.execution.state is ExecutionState.UNKNOWN and not (situation.trial or _is_confirmed(state, command)):
        return refuse(Reason.RETRY_UNCONFIRMED)
    if any(vote.reviewer_id == situation.actor.actor_id for vote in state.retry_votes):
        return refuse(Reason.ALREADY_COUNTED)
    return _vote(move, command)


def _is_confirmed(state: PackageState, command: AllowRetry) -> bool:
    """Whether the person ticked that exactly this action may have happened, and gave a reason."""
    return command.confirmed == (state.action_digest,) and command.comment is not None


def _vote(move: Move, command: AllowRetry) -> Transition:
    state, situation = move.state, move.situation
    terms = terms_today(state, situation.policy)
    votes = (*state.retry_votes, make_vote(move, command, HumanDecisionType.APPROVE))
    counted = tally(state, votes, terms, situation.roster, situation.now)
    changes: StateChanges = {"retry_votes": counted.votes}
    words: Words = {"comment": command.comment}
    if not counted.complete:
        return move.record(EventType.PACKAGE_RETRY_VOTED, changes, words=words).build()
    changes |= {"recovery": _decision(move, _R.RETRY), "lapses_at": lapse_time(state, situation)}
    return move.record(EventType.PACKAGE_RETRY_ALLOWED, changes, words=words).build()


def ask_rollback(move: Move, command: AskRollback) -> Transition | Refusal:
    return rollback_obstacle(move.state) or _stop(move, _R.ROLLBACK, EventType.PACKAGE_ROLLBACK_REQUESTED, command)


def close(move: Move, command: Close) -> Transition | Refusal:
    return close_obstacle(move.state) or _stop(move, _R.ABANDON, EventType.PACKAGE_CLOSED, command)


def _stop(move: Move, decision: RecoveryDecision, event_type: EventType, command: AskRollback | Close) -> Transition:
    """End an unclaimed retry, or refuse the one that a pending package asks for."""
    words: Words = {"comment": command.comment}
    changes: StateChanges = {"recovery": _decision(move, decision), "retry_votes": (), "lapses_at": None}
    if move.state.status is not Status.PENDING:
        return move.record(event_type, changes, words=words).build()
    event_id, rejects = move.event_id, HumanDecisionType.REJECT
    move.record(EventType.HUMAN_DECISION_RECORDED, decision=rejects, words=words)
    reviewers = (seat_of_actor(move),)
    return settle(
        move, Status.REJECTED, rejects, Basis.HUMAN, reviewers=reviewers, event_id=event_id, changes=changes
    ).build()


def _decision(move: Move, decision: RecoveryDecision) -> Recovery:
    return Recovery(decision=decision, by=seat_of_actor(move), event_id=move.event_id, at=move.situation.now)
