"""The status document, which agents read and callbacks carry: a view of the state and its texts.

It is built whenever an agent reads it, so it always agrees with the state; a callback keeps that of its event. Texts
that retention has erased are null. `may_proceed` is the only field by which an agent may act, and `agent_message` says
the same in a sentence. `bot.api.description.shapes` describes it for the contract.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple, assert_never

from rules.authority.exceptions import exception_standing
from rules.authority.ladder import who_may_decide
from rules.authority.quorum import fill_quorum, tally
from rules.people.directory import Roster, is_agent
from rules.record.chain import rfc3339
from rules.scales import HITLLevel
from rules.state.commands import HumanDecisionType, OverrideDecision
from rules.state.decisions import FAILURES, OPERATOR, Basis, Decision, ExecutionState, RecoveryDecision, Seat
from rules.state.model import PackageState, Status
from rules.state.terms import terms_today
from rules.state.transition import Words
from rules.wording import humanize

Document = dict[str, Any]


class Message(NamedTuple):
    """What a person wrote to the agent, or the agent to people. Retention may have erased the text."""

    message_id: str
    actor: str
    at: datetime
    version: int
    text: str | None
    in_reply_to: str | None


def status_document(
    state: PackageState,
    content: Words | None,
    words: Words | None,
    roster: Roster,
    now: datetime,
    *,
    messages: Iterable[Message] = (),
    recovery_words: Words | None = None,
) -> Document:
    """`content`: the package as posted. `words`: the texts of the decision. Retention may have erased either."""
    package = content or {}
    return {
        "decision_package_id": state.decision_package_id,
        "version": state.version,
        "tenant_id": state.tenant_id,
        "status": state.status.value,
        "terminal": state.status.terminal,
        "may_proceed": state.may_proceed(now),
        "level": state.level.value,
        "why": [{"rule": why.rule, "level": why.level.value, "because": why.because} for why in state.why],
        "warnings": [f"{name} is empty. Reviewers may need it" for name in state.warnings],
        "action_digest": state.action_digest,
        "interrupt": _interrupt(state, roster, now),
        "decision": _decision(state, state.decision, package, words or {}, roster) if state.decision else None,
        "execution": _execution(state),
        "recovery": _recovery(state, recovery_words or {}, package, roster),
        "agent_message": agent_message(state, roster, now),
        "messages": [message_document(message, roster) for message in messages],
        "run_id": state.run_id,
        "thread_id": state.thread_id,
        "checkpoint_id": package.get("checkpoint_id"),
        "metadata": package.get("metadata", {}),
        "revision": state.revision,
        "created_at": rfc3339(state.created_at),
        "updated_at": rfc3339(state.updated_at),
    }


def _interrupt(state: PackageState, roster: Roster, now: datetime) -> Document | None:
    """None if the run was never paused, because no person was needed."""
    if state.level <= HITLLevel.NOTIFY_ONLY:
        return None
    first = state.why[0].because if state.why else "a person is needed"
    return {
        "interrupt_id": state.interrupt_id,
        "status": state.interrupt_status.value,
        "reason": first,
        "required_role": state.task.required_role,
        "quorum": _quorum(state, roster, now),
        "rung": state.task.rung,
        "assigned_to": state.task.assigned_to,
        "created_at": rfc3339(state.created_at),
        "expires_at": rfc3339(state.ends_at),
    }


def _quorum(state: PackageState, roster: Roster, now: datetime) -> Document:
    """For an open package, as the next vote would count it; for a decided one, as it was decided."""
    if not state.status.terminal:
        counted = tally(state, state.votes, terms_today(state, roster.policy), roster, now)
        return _shares(counted.needed, len(counted.votes), counted.of_role)
    terms, people = state.terms, [seat.reviewer_id for seat in state.decision.reviewers] if state.decision else []
    able = {user: [role for role in terms.of_role if roster.roles_acting_as(user, role)] for user in people}
    return _shares(terms.quorum, len(able), fill_quorum(terms.of_role, terms.quorum, able)[1])


def _shares(needed: int, have: int, of_role: Mapping[str, tuple[int, int]]) -> Document:
    parts = {role: {"needed": needed, "have": have} for role, (needed, have) in of_role.items()}
    return {"needed": needed, "have": have, "of_role": parts}


def _decision(state: PackageState, decision: Decision, package: Words, words: Words, roster: Roster) -> Document:
    return {
        "decision": decision.decision.value if decision.decision else None,
        "basis": decision.basis.value,
        "reviewers": [
            {"reviewer_id": seat.reviewer_id, "name": _seat_name(seat, words, roster), "role": seat.role}
            for seat in decision.reviewers
        ],
        "comment": words.get("comment"),
        "instructions": words.get("instructions"),
        "answer": words.get("answer"),
        "answer_data": words.get("answer_data"),
        "override": _override(decision, words) if decision.decision is HumanDecisionType.OVERRIDE else None,
        "action_parameters": package.get("action_parameters") if state.proceeds else None,
        "decided_at": rfc3339(decision.decided_at),
        "latency_ms": decision.latency_ms,
        "package_version": decision.package_version,
        "policy_version": decision.policy_version,
        "rendering_id": decision.rendering_id,
        **({"grant_id": decision.grant_id} if decision.grant_id else {}),
    }


def message_document(message: Message, roster: Roster) -> Document:
    """Agents speak as `agent`, also those that had the package before. Nobody else can."""
    person = {"reviewer_id": message.actor, "name": display_name(roster, message.actor)}
    return {
        "message_id": message.message_id,
        "by": "agent" if is_agent(message.actor) else person,
        "text": message.text,
        "at": rfc3339(message.at),
        "version": message.version,
        "in_reply_to": message.in_reply_to,
    }


def _seat_name(seat: Seat, words: Words, roster: Roster) -> str:
    """An operator's name came with the decision."""
    operator = words.get(OPERATOR) if seat.role == OPERATOR else None
    return str(operator) if operator else display_name(roster, seat.reviewer_id)


def display_name(roster: Roster, user_id: str) -> str:
    person = roster.person(user_id)
    return person.name if person and person.name else user_id


def _override(decision: Decision, words: Words) -> Document:
    return {
        "original_recommendation": words.get("original_recommendation"),
        "override_decision": decision.override_decision.value if decision.override_decision else None,
        "override_reason": words.get("override_reason"),
        "evidence_refs": words.get("evidence_refs", []),
    }


def _recovery(state: PackageState, words: Words, package: Words, roster: Roster) -> Document | None:
    """What people decided after a failure."""
    recovery = state.recovery
    if recovery is None:
        return None
    by = {"reviewer_id": recovery.by.reviewer_id, "name": display_name(roster, recovery.by.reviewer_id)}
    return {
        "decision": recovery.decision.value,
        "by": by,
        "instruction": words.get("comment"),
        "checkpoint_id": package.get("checkpoint_id"),
    }


def _execution(state: PackageState) -> Document:
    execution = state.execution
    fields: Document = {"state": execution.state.value}
    if execution.claim_id:
        fields["claim_id"] = execution.claim_id
    for name in ("claimed_at", "reported_at"):
        if moment := getattr(execution, name):
            fields[name] = rfc3339(moment)
    if state.lapses_at:
        fields["lapses_at"] = rfc3339(state.lapses_at)
    return fields


def agent_message(state: PackageState, roster: Roster, now: datetime) -> str:  # noqa: C901, PLR0911 - one sentence a status
    """What the agent should do now, in one sentence, because language models read sentences better than enums."""
    if state.hold:
        return "A person has put this thread on hold. Do not act. Wait until it is resumed."
    match state.status:
        case Status.PENDING:
            return _waiting_message(state, who_may_decide(state, terms_today(state, roster.policy)))
        case Status.REVISION_REQUESTED:
            return "A reviewer asks for changes. Read decision.instructions and post a new version."
        case Status.EVIDENCE_REQUESTED:
            return "A reviewer asks for more evidence. Read decision.instructions and post a new version with it."
        case Status.DEFERRED:
            until = f" until {rfc3339(state.wake_at)}" if state.wake_at else ""
            return f"This is deferred{until} and is asked again by itself. Do not act yet."
        case Status.APPROVED | Status.CONSENTED | Status.OVERRIDDEN:
            return _exception_message(state, roster, now) if state.exception else _permission_message(state, now)
        case Status.REJECTED:
            return _rejection_message(state)
        case Status.TAKEN_OVER:
            what_stops = "thread" if state.thread_id else "run"
            advice = f"Pause this {what_stops} until it is handed back" if state.holds_thread else "Do not act on it"
            return f"A person has taken this over. {advice}."
        case Status.REVOKED:
            return _revocation_message(state)
        case Status.EXPIRED:
            return "This expired; nobody rejected it. Do not act. Submit it again if it is still needed."
        case Status.CANCELLED:
            return "This was cancelled. Do not act."
        case _:
            assert_never(state.status)


def _waiting_message(state: PackageState, who: str) -> str:
    takeover = state.level is HITLLevel.HUMAN_TAKEOVER
    awaited = f"Stop here: {who} is asked to take over" if takeover else f"Waiting for {who}"
    return f"{awaited}. Poll this URL or wait for the callback."


_CLAIMED = (
    "The execution is claimed. The worker that claimed it runs it once and reports the outcome."
    " No other worker may run it."
)


_RECOVERY_MESSAGES: Mapping[RecoveryDecision | None, str] = {
    None: "Do not run it again unless people allow a retry.",
    RecoveryDecision.RETRY: "A retry is allowed. Claim the execution with a new claim_id, then report the outcome.",
    RecoveryDecision.ROLLBACK: "Undo what was done, as recovery.instruction says, and report rolled_back.",
    RecoveryDecision.ABANDON: "People have closed this. Do not run it again.",
}


def _recovered(state: PackageState) -> RecoveryDecision | None:
    return state.recovery.decision if state.recovery else None


def _rejection_message(state: PackageState) -> str:
    match _recovered(state):
        case RecoveryDecision.ROLLBACK:
            return "Do not try this again: undo what was done, as recovery.instruction says."
        case RecoveryDecision.ABANDON:
            return "Do not try this again: people leave it as it is. recovery.instruction has the reason."
        case _:
            return "A reviewer rejected this. Do not act. decision.comment has the reason."


def _revocation_message(state: PackageState) -> str:
    if state.exception:
        return "This exception was revoked. The rule applies again."
    if state.decision and state.decision.basis is Basis.POLICY:
        return "The approval no longer counts. Do not act. To ask again, submit it with a new idempotency key."
    return "The approval was revoked before it was used. Do not act."


def _exception_message(state: PackageState, roster: Roster, now: datetime) -> str:
    standing = exception_standing(state, state.exception, roster, now) if state.exception else None
    if standing is None or standing.word == "ended":
        return "This exception has ended. The rule applies again."
    if standing.because:
        return f"This exception does not hold now: {standing.because}. The rule applies."
    until = rfc3339(standing.end)
    return f"This exception holds until {until}. Submit each action as usual: it cites the exception that it used."


def _permission_message(state: PackageState, now: datetime) -> str:
    decision = state.decision
    if decision and decision.decision is HumanDecisionType.ANSWER:
        return "A person answered. Read decision.answer. An answer does not permit an action."
    if decision and decision.override_decision not in (None, OverrideDecision.PROCEED):
        return "A reviewer overrode this. Do not act. Read decision.override."
    if state.may_proceed(now) and not state.retry_open:
        return "You may act on decision.action_parameters once. Claim the execution first, then report the outcome."
    if state.execution.state in (ExecutionState.NONE, ExecutionState.LAPSED):
        return "The approval expired unused. Do not act. Submit it again if it is still needed."
    if state.execution.state is ExecutionState.CLAIMED:
        return _CLAIMED
    advice = _RECOVERY_MESSAGES[_recovered(state)] if state.execution.state in FAILURES else "Do not run it again."
    return f"The outcome of the execution is {humanize(state.execution.state)}. {advice}"
