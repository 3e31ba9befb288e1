"""How a package that waits for nobody's decision is told: what became of it, by whom, why, and what came of that."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from blocks.kit.frame import Parts
from blocks.kit.text import counted, in_utc, when
from blocks.words.dossier import Dossier
from blocks.words.quotes import remarks, speaker, spoken
from blocks.words.revision import changes
from blocks.words.sentences import agent, joined, named, sentence
from rules.state.commands import HumanDecisionType, OverrideDecision, Verb
from rules.state.events import Cause, EventType
from rules.state.model import Basis, Decision, ExecutionState, PackageState, Status
from rules.state.takeover_reach import has_thread_or_run
from rules.verbs.available import offered_verbs
from rules.wording import humanize, with_article

_STANDING: Mapping[Status, str] = {
    Status.PENDING: "Waiting",
    Status.REVISION_REQUESTED: "Changes requested",
    Status.EVIDENCE_REQUESTED: "Evidence requested",
    Status.DEFERRED: "Put off",
    Status.APPROVED: "Approved",
    Status.CONSENTED: "Nobody objected",
    Status.OVERRIDDEN: "Overridden",
    Status.REJECTED: "Rejected",
    Status.TAKEN_OVER: "Taken over",
    Status.REVOKED: "Approval revoked",
    Status.EXPIRED: "Expired",
    Status.CANCELLED: "Cancelled",
}
_GRANTED: Mapping[ExecutionState, str] = {
    ExecutionState.NONE: "",
    ExecutionState.CLAIMED: ", being carried out",
    ExecutionState.SUCCEEDED: ", carried out",
    ExecutionState.FAILED: ", but it failed",
    ExecutionState.ROLLED_BACK: ", then rolled back",
    ExecutionState.UNKNOWN: ", outcome unknown",
    ExecutionState.LAPSED: ", not used in time",
}
_INSTEAD: Mapping[OverrideDecision, str] = {
    OverrideDecision.PROCEED: "go ahead",
    OverrideDecision.STOP: "stop",
    OverrideDecision.OTHER: "do something else",
}
_APPROVED: Mapping[HumanDecisionType | None, str] = {
    HumanDecisionType.ANSWER: "Answered",
    HumanDecisionType.APPROVE_WITH_EDITS: "Approved with edits",
}
_EXPIRED: Mapping[str | None, str] = {
    Cause.AGENT_DID_NOT_ANSWER: "The agent did not answer in time.",
    Cause.END_REACHED: "The end that the agent set has come.",
    Cause.AUTO_REJECT: "Nobody decided in time, and the policy then turns it down.",
}
_TITLES: Mapping[str, str] = {
    "instructions": "asks for",
    "answer": "answers",
    "override_reason": "says why",
    "comment": "says",
}
_WORDS = 700
_FEW = 4


def standing(state: PackageState) -> str:
    """In a word or two, for headings and lists."""
    told = _exactly(state, state.decision) if state.decision else None
    return (told or _STANDING[state.status]) + (_GRANTED[state.execution.state] if state.proceeds else "")


def _exactly(state: PackageState, made: Decision) -> str | None:
    """What the status alone does not say."""
    match state.status:
        case Status.APPROVED if made.basis is Basis.POLICY:
            return "Approved by policy"
        case Status.APPROVED if made.decision in _APPROVED:
            return _APPROVED[made.decision]
        case Status.OVERRIDDEN if made.override_decision:
            return f"Overridden: {_INSTEAD[made.override_decision]}"
        case Status.TAKEN_OVER if has_thread_or_run(state) and not state.holds_thread:
            return "Taken over, handed back"
        case Status.CANCELLED if made.basis is Basis.HUMAN:
            return "Withdrawn"
        case _:
            return None


def told(dossier: Dossier) -> str:
    """In sentences, for literal text: who did what, and what it means."""
    status, made = dossier.state.status, dossier.state.decision
    if made is None:
        return sentence(standing(dossier.state))
    if status in _MAY:
        return _let(dossier, made)
    return _stopped(dossier, made) if status.terminal else _sent_away(dossier, made)


_MAY = (Status.APPROVED, Status.CONSENTED, Status.OVERRIDDEN)


def _let(dossier: Dossier, made: Decision) -> str:
    who = deciders(dossier)
    if made.basis is Basis.POLICY:
        return f"The policy let {agent(dossier)} go ahead without asking anybody. You are told, not asked."
    if made.basis is Basis.SILENT_CONSENT:
        return "Nobody objected in time. This is consent by silence, not an approval."
    if made.override_decision:
        return f"{who} overrode {_recommended(dossier)}: {_INSTEAD[made.override_decision]}."
    match made.decision:
        case HumanDecisionType.ANSWER:
            return f"{who} answered. An answer is no permission to act."
        case HumanDecisionType.APPROVE_WITH_EDITS:
            return f"{who} edited the parameters and approved them."
        case _:
            return f"{who} approved this."


def _stopped(dossier: Dossier, made: Decision) -> str:
    who, by_time = deciders(dossier), made.basis is Basis.TIMEOUT
    match dossier.state.status:
        case Status.REJECTED:
            return f"{who} rejected this. {agent(dossier)} must not do it."
        case Status.TAKEN_OVER:
            return f"{who} took this over. {thread(dossier)}"
        case Status.REVOKED if made.basis is Basis.POLICY:
            return f"This approval was withdrawn when {agent(dossier)} tried to use it. {_withdrawn_because(dossier)}"
        case Status.REVOKED:
            return f"{who} revoked the approval before it was used."
        case Status.CANCELLED:
            how = "Nobody decided in time, so it was cancelled" if by_time else f"{_ended_by(dossier)} withdrew this"
            return f"{how}. Nothing is done."
        case _:
            return f"{_EXPIRED.get(_reason(dossier), 'Nobody decided in time.')} Nothing is done; nobody rejected it."


def _withdrawn_because(dossier: Dossier) -> str:
    """The service's own sentence; retention may have emptied it."""
    because = dossier.said.get("because")
    return because if isinstance(because, str) else "It was no longer valid."


def _sent_away(dossier: Dossier, made: Decision) -> str:
    state, who = dossier.state, deciders(dossier)
    if state.status.awaits_agent:
        what = "changes" if state.status is Status.REVISION_REQUESTED else "more evidence"
        return f"{who} asks {agent(dossier)} for {what}. It waits for a new version."
    how = "Nobody decided in time, so it was put off" if made.basis is Basis.TIMEOUT else f"{who} put this off"
    return f"{how}. It comes back to {with_article(state.task.required_role)} by itself."


def deciders(dossier: Dossier) -> str:
    made = dossier.state.decision
    seats = made.reviewers if made else ()
    who = [f"{named(dossier, seat.reviewer_id)} ({humanize(seat.role)})" for seat in seats[:_FEW]]
    more = [counted(len(seats) - _FEW, "other")] if len(seats) > _FEW else []
    return joined(who + more) if who else "Nobody"


def _recommended(dossier: Dossier) -> str:
    said = dossier.said.get("original_recommendation")
    return f"the agent's recommendation to {said}" if said in ("proceed", "clarify", "escalate") else "the proposal"


def thread(dossier: Dossier) -> str:
    """Whose the agent's thread is, after a takeover."""
    state = dossier.state
    if not has_thread_or_run(state):
        return f"{agent(dossier)} must not act on it."
    if state.holds_thread:
        return f"{agent(dossier)} has to leave its {_held(state)} alone until it is handed back, which Details offers."
    back = next((one for one in reversed(dossier.history) if one.event_type == EventType.THREAD_HANDED_BACK), None)
    what = _held(state)
    return f"{named(dossier, back.actor)} handed the {what} back." if back else f"The {what} was handed back."


def _held(state: PackageState) -> str:
    return "thread" if state.thread_id else "run"


def _reason(dossier: Dossier) -> str | None:
    ends = [one for one in dossier.history if one.event_type == EventType.of("package", dossier.state.status)]
    return ends[-1].reason if ends else None


def _ended_by(dossier: Dossier) -> str:
    ends = [one.actor for one in dossier.history if one.event_type == EventType.of("package", dossier.state.status)]
    return speaker(dossier, ends[-1]) if ends else "Its own side"


def figures(state: PackageState) -> Iterator[tuple[str, str]]:
    """Times and execution, in the service's words: names and values that may hold a time."""
    made = state.decision
    if made:
        ended = made.basis is Basis.TIMEOUT or state.status is Status.CANCELLED
        yield ("Ended" if ended else "Decided") if state.status.terminal else "Since", when(made.decided_at)
    if state.status.awaits_agent:
        yield "Waits for the agent until", f"{when(state.ends_at)}; then it expires."
    if state.status is Status.DEFERRED and state.wake_at:
        yield "Comes back", when(state.wake_at)
    if state.proceeds:
        yield from _execution(state)
    if state.verdict:
        yield "Second look", f"Judged {state.verdict}"
    elif Verb.JUDGE in offered_verbs(state):
        yield "Second look", "Picked for one; Details offers it."


def _execution(state: PackageState) -> Iterator[tuple[str, str]]:
    """Approval is not execution: which of both has happened is always said."""
    done = state.execution
    match done.state:
        case ExecutionState.NONE if state.lapses_at:
            yield "Not carried out yet", f"The permission lapses {when(state.lapses_at)}."
        case ExecutionState.CLAIMED if done.claimed_at:
            yield "Being carried out", f"Since {when(done.claimed_at)}; no outcome is reported yet."
        case ExecutionState.UNKNOWN:
            yield "Outcome unknown", "No outcome was reported in time. It is not offered to the agent again."
        case ExecutionState.LAPSED:
            yield "Not carried out", "The permission lapsed unused."
        case _:
            yield from ((_REPORTED[done.state], when(at)) for at in (done.reported_at,) if at)


_REPORTED: Mapping[ExecutionState, str] = {
    ExecutionState.SUCCEEDED: "Carried out, the agent reports",
    ExecutionState.FAILED: "Failed, the agent reports",
    ExecutionState.ROLLED_BACK: "Rolled back, the agent reports",
}


def because(dossier: Dossier) -> Parts:
    """Why, in the words of whoever decided; and what the agent reported of it."""
    made = dossier.state.decision
    edited = made is not None and made.decision is HumanDecisionType.APPROVE_WITH_EDITS
    return (*_words(dossier), *_evidence(dossier), *(changes(dossier) if edited else ()), *_report(dossier))


def _words(dossier: Dossier) -> Parts:
    if (made := dossier.state.decision) and made.basis is Basis.QUORUM:
        return remarks(dossier)
    who = named(dossier, made.reviewers[-1].reviewer_id) if made and made.reviewers else _ended_by(dossier)
    said = ((title, dossier.said.get(name)) for name, title in _TITLES.items())
    return tuple(
        part for title, text in said if isinstance(text, str) for part in spoken(f"{who} {title}:", text, _WORDS)
    )


def _evidence(dossier: Dossier) -> Parts:
    refs = dossier.said.get("evidence_refs")
    named_ = ", ".join(map(str, refs[:3])) if isinstance(refs, list) else ""
    return spoken("The evidence for it:", named_, 300) if named_ else ()


def _report(dossier: Dossier) -> Parts:
    done = [one for one in dossier.history if one.event_type.startswith("execution.")]
    detail = done[-1].words.get("detail") if done else None
    back = [one for one in dossier.history if one.event_type == EventType.THREAD_HANDED_BACK]
    comment = back[-1].words.get("comment") if back else None
    return (
        *(spoken(f"{agent(dossier)} reports:", detail, 400) if isinstance(detail, str) else ()),
        *(spoken(f"{named(dossier, back[-1].actor)} says:", comment, 400) if isinstance(comment, str) else ()),
    )


def aloud(state: PackageState) -> str:
    """When, for the text that is read out."""
    if state.status is Status.DEFERRED and state.wake_at:
        return f"It comes back {in_utc(state.wake_at)}."
    if state.status.awaits_agent:
        return f"The agent has until {in_utc(state.ends_at)}."
    if state.proceeds and state.lapses_at and state.execution.state is ExecutionState.NONE:
        return f"Not carried out yet; the permission lapses {in_utc(state.lapses_at)}."
    return ""
