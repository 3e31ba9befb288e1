"""What people wrote about a package, each quote under the writer's name, the latest last.

A quote is any text that a person wrote with a command: `_COMMENT_FIELDS` says where it is in an event, and `LOOKS` or
`_EVENT_VERBS` what the person did.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain

from blocks.kit.elements import Run, bold, paragraph, quote
from blocks.kit.frame import CUT, NOTHING, Parts, aside, excerpt, labelled
from blocks.words.dossier import Dossier, HistoryEvent
from blocks.words.sentences import EMPTIED, agent_name, person_name
from blocks.words.verbs import LOOKS
from rules.people.directory import is_agent
from rules.state.events import EventType
from rules.state.transition import Words

_MAX_REMARKS = 3
_REMARK_LINES = 4
_COMMENT_FIELDS = ("instructions", "answer", "override_reason", "comment", "text")
_DECISION_VERBS = {verb.value: look.remark for verb, look in LOOKS.items()}
_EVENT_VERBS: Mapping[str, str] = {
    EventType.PACKAGE_VERSION_ADDED: "edits it",
    EventType.PACKAGE_CANCELLED: "withdraws it",
    EventType.PACKAGE_REVOKED: "revokes the approval",
    EventType.PACKAGE_PENDING: "brings it back",
    EventType.PACKAGE_MESSAGE: "writes to the agent",
    EventType.PACKAGE_RETRY_VOTED: "agrees to a retry",
    EventType.PACKAGE_RETRY_ALLOWED: "allows a retry",
    EventType.PACKAGE_ROLLBACK_REQUESTED: "asks for a rollback",
    EventType.PACKAGE_CLOSED: "closes it",
    EventType.THREAD_HANDED_BACK: "hands the thread back",
    EventType.TASK_EXTENDED: "extends the deadline",
    EventType.TASK_CLAIMED: "takes it up",
    EventType.TASK_ASSIGNED: "assigns it",
    EventType.TASK_RECUSED: "steps aside",
    EventType.REVIEW_JUDGED: "judges it afterwards",
}


def remarks(dossier: Dossier, limit: int = 220) -> Parts:
    """The last few remarks, after a count of the earlier ones."""
    events = _remarked(dossier)
    more = len(events) - _MAX_REMARKS
    left_out = (aside(f"{more} earlier in Details."),) if more > 0 else ()
    return (*left_out, *chain.from_iterable(_remark(dossier, event, limit) for event in events[-_MAX_REMARKS:]))


def latest_remark(dossier: Dossier, limit: int) -> list[Run]:
    """The last remark on one line, and a count of the earlier ones. A version of the agent answers those before it."""
    events = _remarked(dossier)
    if not events or _is_answered(dossier, events[-1]):
        return []
    return labelled(_speech(dossier, events[-1]), _words_of(events[-1].words), limit, len(events) - 1)


def _remarked(dossier: Dossier) -> list[HistoryEvent]:
    return [event for event in dossier.history if _words_of(event.words) and not is_agent(event.actor)]


def _is_answered(dossier: Dossier, remarked: HistoryEvent) -> bool:
    later = dossier.history[dossier.history.index(remarked) + 1 :]
    return any(event.event_type == EventType.PACKAGE_VERSION_ADDED for event in later)


def _speech(dossier: Dossier, event: HistoryEvent) -> str:
    verb = _EVENT_VERBS.get(event.event_type) or _DECISION_VERBS.get(event.decision or "") or "says"
    return f"{_voter(dossier, event) or speaker_name(dossier, event.actor)} {verb}"


def _voter(dossier: Dossier, event: HistoryEvent) -> str | None:
    """Someone who sees the card of a package that still waits may be asked to judge its approval blindly."""
    is_vote = event.event_type == EventType.HUMAN_DECISION_RECORDED
    return "A reviewer" if dossier.hides_voters and is_vote and not dossier.state.status.terminal else None


def _remark(dossier: Dossier, event: HistoryEvent, limit: int) -> Iterator[dict[str, object]]:
    yield from remark(f"{_speech(dossier, event)}:", _words_of(event.words) or "", limit)


def remark(heading: str, text: str, limit: int) -> Parts:
    shown, is_whole = excerpt(text, limit, _REMARK_LINES)
    more = () if is_whole else (CUT,)
    return (paragraph(bold(heading)), quote(shown or NOTHING), *more)


def message_heading(dossier: Dossier, event: HistoryEvent) -> str:
    """Who wrote the message, and to whom: people must know that the agent reads it."""
    decision = dossier.state.decision if dossier.state.status.terminal else None
    when = " after the decision" if decision and event.at > decision.decided_at else ""
    to = "" if is_agent(event.actor) else f" to {agent_name(dossier)}"
    return f"{speaker_name(dossier, event.actor)} writes{to}{when}"


def message_text(event: HistoryEvent) -> str:
    text = event.words.get("text")
    return text if isinstance(text, str) else EMPTIED


def speaker_name(dossier: Dossier, actor: str) -> str:
    if actor == dossier.state.agent_id:
        return agent_name(dossier)
    return "An earlier agent" if is_agent(actor) else person_name(dossier, actor)


def _words_of(words_given: Words) -> str | None:
    """An event may carry a comment beside instructions or a reason; those come first, after the ticked reasons."""
    text = next((text for name in _COMMENT_FIELDS if isinstance(text := words_given.get(name), str)), None)
    return "\n".join(filter(None, (ticked_reasons(words_given), text))) or None


def ticked_reasons(words_given: Mapping[str, object]) -> str:
    """The short reasons that were ticked beside the words; empty if there are none."""
    tags = words_given.get("tags")
    return ", ".join(map(str, tags)) if isinstance(tags, list) else ""
