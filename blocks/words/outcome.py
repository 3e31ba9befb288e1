"""How a package that needs no decision now is described: its outcome, who decided, why, and its execution.

Cards, notes, Details, lists and mails all use these sentences, so that they never disagree. Sentences without people's
words are plain text; what someone wrote is quoted beside its writer's name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta

from blocks.kit.elements import Element, Run, moment, paragraph
from blocks.kit.frame import Parts, labelled
from blocks.kit.text import format_duration, in_utc, pluralize
from blocks.words.dossier import Dossier, HistoryEvent
from blocks.words.quotes import remark, remarks, speaker_name, ticked_reasons
from blocks.words.recovery import recovery_facts, recovery_sentence
from blocks.words.revision import changes
from blocks.words.sentences import agent_name, decider_name, join_names, person_name, sentence
from blocks.words.status import OVERRIDE_WORDS, status_label
from rules.authority.ladder import who_may_decide
from rules.package.takeover_reach import has_thread_or_run
from rules.state.commands import HumanDecisionType, Verb
from rules.state.decisions import WITHOUT_PEOPLE, Basis, Decision, ExecutionState
from rules.state.events import Cause, EventType
from rules.state.model import PackageState, Status
from rules.verbs.trials import offered_verbs
from rules.wording import humanize

_EXPIRIES: Mapping[str | None, str] = {
    Cause.AGENT_DID_NOT_ANSWER: "The agent did not answer in time.",
    Cause.END_REACHED: "The agent's own deadline has passed.",
    Cause.AUTO_REJECT: "Nobody decided in time, so the policy rejected it.",
}
_QUOTE_VERBS: Mapping[str, str] = {
    "instructions": "asks",
    "answer": "answers",
    "override_reason": "says",
    "comment": "says",
}
# Characters.
_QUOTE_LENGTH = 700
_REPORT_LENGTH = 400
_EVIDENCE_LENGTH = 300
_WORDS_LENGTH = 160  # on a card: about two lines
_MAX_NAMES = 4
_MAX_EVIDENCE = 3


def outcome_sentence(dossier: Dossier) -> str:
    """Who did what and what it means, for literal text."""
    state, verdict = dossier.state, dossier.state.verdict
    recovered = f" {recovery_sentence(dossier)}" if state.proceeds and state.recovery else ""
    return _decided_sentence(dossier) + recovered + (f" Judged {verdict} afterwards." if verdict else "")


def _decided_sentence(dossier: Dossier) -> str:
    status, decision = dossier.state.status, dossier.state.decision
    if decision is None:
        return sentence(status_label(dossier.state))
    if status in _PROCEEDING:
        return _permission_sentence(dossier, decision)
    return _stop_sentence(dossier, decision) if status.terminal else _sent_back_sentence(dossier, decision)


_PROCEEDING = (Status.APPROVED, Status.CONSENTED, Status.OVERRIDDEN)


def _permission_sentence(dossier: Dossier, decision: Decision) -> str:
    people = deciders(dossier)
    if decision.basis in WITHOUT_PEOPLE:
        return _unattended_sentence(dossier, decision)
    if decision.override_decision:
        return f"{people} overrode {_overridden_part(dossier)}: {OVERRIDE_WORDS[decision.override_decision]}."
    match decision.decision:
        case HumanDecisionType.ANSWER:
            return f"{people} answered. An answer is not a permission to act."
        case HumanDecisionType.APPROVE_WITH_EDITS:
            return f"{people} edited the parameters and approved them."
        case _:
            return f"{people} approved this{_after(decision)}."


def _unattended_sentence(dossier: Dossier, decision: Decision) -> str:
    if decision.basis is Basis.SILENT_CONSENT:
        return "Nobody objected in time. This is consent by silence, not an approval."
    by = f"Exception {decision.grant_id}" if decision.grant_id else "The policy"
    return f"{by} let {agent_name(dossier)} go ahead without a decision. This is for your information."


def _after(decision: Decision) -> str:
    latency = timedelta(milliseconds=decision.latency_ms)
    return f" after {format_duration(latency)}" if latency >= timedelta(seconds=1) else ""


def _stop_sentence(dossier: Dossier, decision: Decision) -> str:
    people = deciders(dossier)
    match dossier.state.status:
        case Status.REJECTED:
            rejected = recovery_sentence(dossier) or f"{people} rejected this{_after(decision)}."
            return f"{rejected} {agent_name(dossier)} must not do it."
        case Status.TAKEN_OVER:
            return f"{people} took this over. {thread_sentence(dossier)}"
        case Status.REVOKED:
            return _revoked_sentence(dossier, decision)
        case Status.CANCELLED:
            return f"{_how_cancelled(dossier, decision)}. Nothing is done."
        case _:
            expired = _status_event(dossier)
            why = _EXPIRIES.get(expired.reason if expired else None, "Nobody decided in time.")
            return f"{why} Nothing is done; nobody rejected it."


def _revoked_sentence(dossier: Dossier, decision: Decision) -> str:
    if decision.basis is Basis.POLICY:
        return f"This approval was withdrawn when {agent_name(dossier)} tried to use it. {_withdrawn_because(dossier)}"
    if dossier.state.exception:
        return f"{deciders(dossier)} revoked this exception. The rule applies again."
    return f"{deciders(dossier)} revoked the approval before it was used."


def _how_cancelled(dossier: Dossier, decision: Decision) -> str:
    if decision.basis is Basis.TIMEOUT:
        return "Nobody decided in time, so it was cancelled"
    return f"{deciders(dossier)} cancelled the thread" if decision.reviewers else f"{_ended_by(dossier)} withdrew this"


def _withdrawn_because(dossier: Dossier) -> str:
    """The service's own reason; retention may have emptied it."""
    reason = dossier.decision_words.get("because")
    return reason if isinstance(reason, str) else "It was no longer valid."


def _sent_back_sentence(dossier: Dossier, decision: Decision) -> str:
    state, people = dossier.state, deciders(dossier)
    if state.status.awaits_agent:
        noun = "changes" if state.status is Status.REVISION_REQUESTED else "more evidence"
        return f"{people} asked {agent_name(dossier)} for {noun}."
    how = "Nobody decided in time, so it was deferred" if decision.basis is Basis.TIMEOUT else f"{people} deferred this"
    return f"{how}. It comes back to {who_may_decide(state, dossier.terms)}."


def deciders(dossier: Dossier) -> str:
    decision = dossier.state.decision
    seats = decision.reviewers if decision else ()
    names = [f"{decider_name(dossier, seat)} ({humanize(seat.role)})" for seat in seats[:_MAX_NAMES]]
    more = [pluralize(len(seats) - _MAX_NAMES, "other")] if len(seats) > _MAX_NAMES else []
    return join_names(names + more) if names else "Nobody"


def _overridden_part(dossier: Dossier) -> str:
    recommendation = dossier.decision_words.get("original_recommendation")
    return (
        f"the agent's recommendation to {recommendation}"
        if recommendation in ("proceed", "clarify", "escalate")
        else "the proposal"
    )


def thread_sentence(dossier: Dossier) -> str:
    """Who controls the agent's thread or run after a takeover."""
    state, noun = dossier.state, "thread" if dossier.state.thread_id else "run"
    if not has_thread_or_run(state):
        return f"{agent_name(dossier)} must not act on it."
    if state.holds_thread:
        return f"{agent_name(dossier)} is paused in its {noun} until someone hands it back in Details."
    back = _last_event(dossier, EventType.THREAD_HANDED_BACK)
    return f"{person_name(dossier, back.actor)} handed the {noun} back." if back else f"The {noun} was handed back."


def _last_event(dossier: Dossier, event_type: EventType) -> HistoryEvent | None:
    return next((event for event in reversed(dossier.history) if event.event_type == event_type), None)


def _status_event(dossier: Dossier) -> HistoryEvent | None:
    """The event that led to the present status."""
    return _last_event(dossier, EventType.of("package", dossier.state.status))


def _ended_by(dossier: Dossier) -> str:
    event = _status_event(dossier)
    return speaker_name(dossier, event.actor) if event else "The agent's side"


def outcome_facts(state: PackageState) -> Iterator[list[Run]]:
    """When it was decided, until when what is still to come is due, and how far the execution is."""
    decision = state.decision
    if decision and state.status.terminal:
        ended = decision.basis is Basis.TIMEOUT or state.status is Status.CANCELLED
        yield ["Ended " if ended else "Decided ", moment(decision.decided_at)]
    if state.exception and state.status is Status.APPROVED:
        ended_at = state.exception.ended_at
        yield ["It ended ", moment(ended_at)] if ended_at else ["Ends ", moment(state.exception.end)]
    if state.status.awaits_agent:
        yield ["The agent has until ", moment(state.ends_at), " to send a new version; then this expires"]
    if state.status is Status.DEFERRED and state.wake_at:
        yield ["Back ", moment(state.wake_at)]
    if state.proceeds:
        yield from _execution(state)
        yield from recovery_facts(state)
    if Verb.JUDGE in offered_verbs(state):
        yield ["Picked for a second look, see Details"]


def _execution(state: PackageState) -> Iterator[list[Run]]:
    execution = state.execution
    match execution.state:
        case ExecutionState.NONE if state.hold:
            yield ["Not carried out yet"]
        case ExecutionState.NONE if state.lapses_at:
            yield ["Not carried out yet; expires ", moment(state.lapses_at), " if unused"]
        case ExecutionState.CLAIMED if execution.claimed_at:
            yield ["Being carried out since ", moment(execution.claimed_at)]
        case ExecutionState.UNKNOWN:
            yield ["No outcome was reported in time"]
        case ExecutionState.LAPSED:
            yield ["Expired unused"]
        case _ if execution.reported_at:
            yield [f"{_REPORTED[execution.state]} ", moment(execution.reported_at)]
        case _:
            pass


def outcome_line(dossier: Dossier) -> Element:
    """The `outcome_facts` on one line."""
    runs = [run for facts in outcome_facts(dossier.state) for run in (" · ", *facts)]
    return paragraph(*runs[1:])


_REPORTED: Mapping[ExecutionState, str] = {
    ExecutionState.SUCCEEDED: "Carried out, says the agent,",
    ExecutionState.FAILED: "Failed, says the agent,",
    ExecutionState.ROLLED_BACK: "Rolled back, says the agent,",
}


def outcome_words(dossier: Dossier) -> list[Run]:
    """The words that tell most about the outcome, on one line: the agent's report, or else the decider's comment."""
    spoken = [*_reports(dossier), *_decision_words(dossier)]
    return labelled(*spoken[0], _WORDS_LENGTH) if spoken else []


def explanation(dossier: Dossier) -> Parts:
    """The deciders' comments, their evidence and edits, and the agent's report on the execution."""
    decision = dossier.state.decision
    edited = decision is not None and decision.decision is HumanDecisionType.APPROVE_WITH_EDITS
    return (*_quotes(dossier), *_evidence(dossier), *(changes(dossier) if edited else ()), *report(dossier))


def _quotes(dossier: Dossier) -> Parts:
    if (decision := dossier.state.decision) and decision.basis is Basis.QUORUM:
        return remarks(dossier)
    return tuple(part for title, text in _decision_words(dossier) for part in remark(f"{title}:", text, _QUOTE_LENGTH))


def _decision_words(dossier: Dossier) -> Iterator[tuple[str, str]]:
    """What came with the decision, each text with its speaker."""
    decision = dossier.state.decision
    name = decider_name(dossier, decision.reviewers[-1]) if decision and decision.reviewers else _ended_by(dossier)
    words = dossier.decision_words
    texts = [*((verb, words.get(field)) for field, verb in _QUOTE_VERBS.items()), ("ticked", ticked_reasons(words))]
    return ((f"{name} {verb}", text) for verb, text in texts if isinstance(text, str) and text)


def _evidence(dossier: Dossier) -> Parts:
    refs = dossier.decision_words.get("evidence_refs")
    evidence_text = ", ".join(map(str, refs[:_MAX_EVIDENCE])) if isinstance(refs, list) else ""
    return remark("The evidence for it:", evidence_text, _EVIDENCE_LENGTH) if evidence_text else ()


def report(dossier: Dossier) -> Parts:
    """The agent's report on the execution, and the comment of a hand-back, each under its writer's name."""
    return tuple(part for title, text in _reports(dossier) for part in remark(f"{title}:", text, _REPORT_LENGTH))


def _reports(dossier: Dossier) -> Iterator[tuple[str, str]]:
    """What was said after the decision: the agent's report on the execution, and the comment of a hand-back."""
    executions = [event for event in dossier.history if event.event_type.startswith("execution.")]
    detail = executions[-1].words.get("detail") if executions else None
    back = _last_event(dossier, EventType.THREAD_HANDED_BACK)
    comment = back.words.get("comment") if back else None
    if isinstance(detail, str) and detail:
        yield f"{agent_name(dossier)} reports", detail
    if back and isinstance(comment, str) and comment:
        yield f"{person_name(dossier, back.actor)} says", comment


def outcome_timing(state: PackageState) -> str:
    """The next relevant time, as plain text for screen readers and notifications."""
    if state.status is Status.DEFERRED and state.wake_at:
        return f"Back {in_utc(state.wake_at)}."
    if state.status.awaits_agent:
        return f"The agent has until {in_utc(state.ends_at)}."
    if state.proceeds and state.lapses_at and not state.hold and state.execution.state is ExecutionState.NONE:
        return f"Not carried out yet; expires {in_utc(state.lapses_at)} if unused."
    return ""
