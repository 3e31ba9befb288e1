"""The rules of the clock: what becomes due and when, and what then happens.

`decide` checks again that a command is due, so one that comes late, twice or from two machines changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from rules.authority.authorization import authorize, question_of
from rules.authority.exceptions import standing_rules
from rules.authority.looks import judge_is_gone
from rules.authority.silence import anyone_can_object, proof_holds
from rules.authority.standards import Standard
from rules.package.takeover_reach import refuse_stopped
from rules.policy.tiers import OnTimeout
from rules.reasons import Reason, Refusal, refuse
from rules.scales import HITLLevel
from rules.state.changes import StateChanges
from rules.state.commands import HumanDecisionType, Verb
from rules.state.decisions import Basis, ExecutionState
from rules.state.events import Cause, EventType
from rules.state.level import minimum_level_today
from rules.state.model import PackageState, Status
from rules.state.service_commands import (
    AnnounceEnd,
    Climb,
    Consent,
    EndException,
    EndLook,
    Expire,
    Harden,
    Remind,
    ShortenException,
    WakeUp,
)
from rules.state.sightings import Silence
from rules.state.situation import Situation
from rules.state.terms import reminders_passed, terms_today
from rules.state.transition import Move, Transition
from rules.verbs.escalation import climb_to, harden, next_rung
from rules.verbs.settling import settle, with_end_today
from rules.verbs.tasks import return_to_queue

MAX_TIMEOUT_DEFERRALS = 2

Due = tuple[datetime, Verb]


def next_due(state: PackageState) -> Due | None:
    """What the clock will do to this package next, and when. The scheduler looks at nothing else."""
    return min(_due_times(state), default=None, key=lambda due: due[0])


def _due_times(state: PackageState) -> Iterator[Due]:
    if not state.status.terminal and state.expires_at:
        yield state.expires_at, Verb.EXPIRE
    if state.hold is None:
        yield from _due_unless_held(state)
    if state.execution.state is ExecutionState.CLAIMED and state.outcome_by:
        yield state.outcome_by, Verb.LOSE_TRACK
    if look := state.open_look:
        yield look.until, Verb.END_LOOK


def _due_unless_held(state: PackageState) -> Iterator[Due]:
    match state.status:
        case Status.PENDING:
            yield from _due_while_pending(state)
        case Status.REVISION_REQUESTED | Status.EVIDENCE_REQUESTED if state.answer_by:
            yield state.answer_by, Verb.EXPIRE
        case Status.DEFERRED if state.wake_at:
            yield state.wake_at, Verb.WAKE
        case _:
            yield from _due_after_decision(state)


def _due_while_pending(state: PackageState) -> Iterator[Due]:
    due = state.task.due_at
    if state.soft and state.shown:
        yield state.shown.at + state.terms.soft_timeout, Verb.CONSENT
    elif reminder := _reminder(state):
        yield reminder, Verb.REMIND
    climbs = state.terms.on_timeout is OnTimeout.ESCALATE and state.task.rung < state.terms.top
    yield due, Verb.CLIMB if climbs else Verb.EXPIRE


def _reminder(state: PackageState) -> datetime | None:
    ahead = sorted(state.terms.reminders, reverse=True)[state.task.reminded :]
    return state.ends_at - ahead[0] if ahead and not state.soft else None


def _due_after_decision(state: PackageState) -> Iterator[Due]:
    if state.exception and state.is_granted_exception:
        yield state.exception.end, Verb.END_EXCEPTION
        if state.exception.announce_at:
            yield state.exception.announce_at, Verb.ANNOUNCE_END
    if state.is_unused and state.lapses_at:
        yield state.lapses_at, Verb.LAPSE
        is_first = state.execution.state is ExecutionState.NONE
        if is_first and state.decision and not state.execution.reminded:
            yield _halfway(state.decision.decided_at, state.lapses_at), Verb.REMIND


def _halfway(begin: datetime, end: datetime) -> datetime:
    return begin + (end - begin) / 2


def is_due(state: PackageState, verb: Verb, situation: Situation) -> bool:
    return any(at <= situation.now and due_verb is verb for at, due_verb in _due_times(state))


def remind(move: Move, _: Remind) -> Transition:
    """Remind of a decision that is awaited, or once of a permission that nobody has used."""
    if move.state.status is not Status.PENDING:
        execution = move.state.execution.model_copy(update={"reminded": True})
        return move.record(EventType.EXECUTION_REMINDED, {"execution": execution}).build()
    return _remind_of_task(move)


def _remind_of_task(move: Move) -> Transition:
    """One reminder, even if several came due while the service was down."""
    state = move.state
    reminded = reminders_passed(state.terms, state.ends_at, move.situation.now)
    task = state.task.model_copy(update={"reminded": reminded})
    return move.record(EventType.TASK_REMINDED, {"task": task}).build()


def consent(move: Move, command: Consent) -> Transition | Refusal:
    """Consent by silence, if it is proven now that someone could have objected. Otherwise silence stops counting."""
    state, situation, silence = move.state, move.situation, command.silence
    if state.is_past_expiry(situation.now):
        return _expire(move, Cause.END_REACHED)
    not_yet = _check_silence(state, situation, silence)
    if earlier := situation.no_since(state):
        return harden(move, Cause.EARLIER_NO, earlier.because, earlier_no=earlier.no).build()
    if cause_and_sentence := _why_never(state, situation, silence, not_yet):
        return harden(move, *cause_and_sentence).build()
    return not_yet or settle(move, Status.CONSENTED, HumanDecisionType.APPROVE, Basis.SILENT_CONSENT).build()


def _why_never(
    state: PackageState, situation: Situation, silence: Silence, not_yet: Refusal | None
) -> tuple[Cause, str] | None:
    """Why this silence can never become consent, as a cause and a sentence; None if it can."""
    set_aside, lacking = standing_rules(state, situation)
    if lacking:
        return Cause.EXCEPTION_LOST, f"exception {lacking.exception_id} no longer holds"
    if minimum_level_today(situation.policy, state, set_aside) > HITLLevel.SOFT_APPROVAL:
        return Cause.POLICY_CHANGED, "today's policy does not let silence count here"
    if not state.whole_on_card:
        return Cause.NOT_SHOWN_WHOLE, "the card did not show all of it, so silence is not consent"
    if not_yet and state.task.due_at <= situation.now:
        return Cause.TIMEOUT, "silence did not come to count in time"
    could_object = anyone_can_object(state, silence.onlookers, situation.roster, situation.now)
    if not (could_object and silence.could_be_answered):
        return Cause.SILENCE_UNPROVEN, "no reviewer could see this long enough to object"
    return None


def _check_silence(state: PackageState, situation: Situation, silence: Silence) -> Refusal | None:
    """Refuse a silence that is not consent now, but may become one."""
    if situation.agent is None or not situation.agent.may_act:
        return refuse(Reason.AGENT_PAUSED)
    if refusal := refuse_stopped(situation.memory.thread_stopped_by, state.decision_package_id):
        return refusal
    short = silence.counted < terms_today(state, situation.policy).soft_timeout
    return refuse(Reason.NOT_DUE) if short or not proof_holds(state, silence, situation) else None


_LOST = {
    Cause.CLICK_FAILED: "someone's click could not be carried out",
    Cause.PROOF_LOST: "it could not be proven that an objection would arrive",
}
_UNCERTAIN = frozenset([Reason.DIRECTORY_STALE, Reason.UNKNOWN_PERSON])


def lose_proof(move: Move, command: Harden) -> Transition | Refusal:
    """Stop counting silence. A failed click changes nothing if its sender could not have objected."""
    if command.clicked_by and (refusal := _could_not_object(move, command.clicked_by)):
        return refusal
    return harden(move, command.cause, _LOST[command.cause]).build()


def _could_not_object(move: Move, user_id: str) -> Refusal | None:
    situation, question = move.situation, question_of(move.state, move.situation.policy, so_far=True)
    able = authorize(situation.roster, user_id, Standard.STOP, question, situation.now)
    return able if isinstance(able, Refusal) and able.reason not in _UNCERTAIN else None


def climb(move: Move, _: Climb) -> Transition | Refusal:
    """Ask the next rung, or expire without one. With a stale directory, wait: an unknown role is not an empty role."""
    state, situation = move.state, move.situation
    if state.is_past_expiry(situation.now):
        return _expire(move, Cause.END_REACHED)
    if not situation.roster.directory.is_fresh(situation.policy, situation.now):
        return refuse(Reason.DIRECTORY_STALE)
    rung = next_rung(state, situation)
    if rung is None:
        return _expire(move, Cause.NOBODY_FURTHER_UP)
    return climb_to(move, rung, Cause.TIMEOUT).build()


def expire(move: Move, _: Expire) -> Transition:
    """Deny by default, with the basis `timeout`, so that it is never reported as a person's rejection."""
    state = move.state
    ended = state.is_past_expiry(move.situation.now)
    if ended or state.status is not Status.PENDING:
        return _expire(
            move, Cause.AGENT_DID_NOT_ANSWER if state.status.awaits_agent and not ended else Cause.END_REACHED
        )
    match state.terms.on_timeout:
        case OnTimeout.CANCEL:
            return settle(move, Status.CANCELLED, None, Basis.TIMEOUT, reason=Cause.TIMEOUT).build()
        case OnTimeout.DEFER if state.put_off < MAX_TIMEOUT_DEFERRALS:
            return _defer_again(move)
        case OnTimeout.AUTO_REJECT:
            return _expire(move, Cause.AUTO_REJECT)
        case _:
            return _expire(move, Cause.TOP_OF_LADDER)


def _expire(move: Move, cause: Cause) -> Transition:
    return settle(move, Status.EXPIRED, None, Basis.TIMEOUT, reason=cause).build()


def _defer_again(move: Move) -> Transition:
    wake_at = move.situation.now + move.state.terms.defer_for
    changes: StateChanges = {"wake_at": wake_at, "put_off": move.state.put_off + 1}
    return settle(
        move, Status.DEFERRED, HumanDecisionType.DEFER, Basis.TIMEOUT, reason=Cause.TIMEOUT, changes=changes
    ).build()


def announce_end(move: Move, _: AnnounceEnd) -> Transition:
    return _record_exception(move, EventType.EXCEPTION_ANNOUNCED, announce_at=None)


def end_exception(move: Move, _: EndException) -> Transition:
    return _record_exception(move, EventType.EXCEPTION_ENDED, announce_at=None, ended_at=move.situation.now)


def shorten_exception(move: Move, _: ShortenException) -> Transition:
    """A new policy allows it less time. It stays shortened, also if a later policy allows more."""
    exception = move.state.exception
    shortened = exception and with_end_today(exception, move.situation)
    return move.record(EventType.EXCEPTION_SHORTENED, {"exception": shortened}, reason=Cause.POLICY_CHANGED).build()


def _record_exception(move: Move, event_type: EventType, **changed: datetime | None) -> Transition:
    exception = move.state.exception
    return move.record(event_type, {"exception": exception and exception.model_copy(update=changed)}).build()


def wake_up(move: Move, _: WakeUp) -> Transition:
    return return_to_queue(move, Cause.TIME_REACHED)


def look_is_over(state: PackageState, verb: Verb, situation: Situation) -> bool:
    return is_due(state, verb, situation) or judge_is_gone(state, situation.roster, situation.now)


def end_look(move: Move, _: EndLook) -> Transition:
    """Nobody judges it: the card says again what was decided. Nobody else is asked, because they may know it."""
    state, situation = move.state, move.situation
    left = judge_is_gone(state, situation.roster, situation.now)
    ended = state.look and state.look.model_copy(update={"has_ended": True, "judge_left": left})
    return move.record(EventType.REVIEW_ENDED, {"look": ended}, reason=Cause.JUDGE_LEFT if left else None).build()
