"""Notes for a card's thread. An update of a card notifies nobody and shows only the end state, so events get notes.

Delivery calls `notes_of` with the revision up to which a thread is complete. What happened since becomes one note for
each kind of event, so a process that was down for an hour posts few. Their text is in `blocks.card.notes`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from operator import attrgetter
from typing import NamedTuple

from blocks.card import notes
from blocks.kit.message import Message
from blocks.words.dossier import Dossier, HistoryEvent
from rules.state.decisions import FAILURES, ExecutionState
from rules.state.events import Cause, EventType
from rules.state.model import PackageState, Status

_STATUS_OF_EVENT: Mapping[str, Status] = {EventType.of("package", status): status for status in Status}

_FAILURE_EVENTS = tuple(EventType.of("execution", state) for state in FAILURES)
_RECOVERY_EVENTS = (
    EventType.PACKAGE_RETRY_ALLOWED,
    EventType.PACKAGE_ROLLBACK_REQUESTED,
    EventType.PACKAGE_CLOSED,
)
_ANSWERS = (*_RECOVERY_EVENTS, *_FAILURE_EVENTS, EventType.EXECUTION_SUCCEEDED)
_NOTE_OF_EVENT: Mapping[str, Callable[[Dossier], Message]] = {
    **dict.fromkeys(_STATUS_OF_EVENT, notes.decision),
    EventType.PACKAGE_HARDENED: notes.silence_stopped,
    EventType.PACKAGE_ESCALATED: notes.escalation,
    EventType.PACKAGE_PENDING: notes.reminder,
    EventType.PACKAGE_HELD: notes.held,
    EventType.PACKAGE_RESUMED: notes.resumed,
    EventType.PACKAGE_THREAD_CHANGED: notes.thread_changed,
    EventType.PACKAGE_HANDED_OVER: notes.handed_over,
    EventType.TASK_REMINDED: notes.reminder,
    EventType.EXECUTION_REMINDED: notes.unused_approval,
    EventType.EXCEPTION_SHORTENED: notes.exception_shortened,
    EventType.EXCEPTION_ANNOUNCED: notes.exception_ends,
    EventType.EXCEPTION_ENDED: notes.exception_ended,
    EventType.TASK_ASSIGNED: notes.assignment,
    EventType.PACKAGE_VERSION_ADDED: notes.new_version,
    EventType.PACKAGE_TAKEN_OVER: notes.taken_over,
    EventType.THREAD_HANDED_BACK: notes.hand_back,
    **dict.fromkeys(_FAILURE_EVENTS, notes.failure),
    EventType.EXECUTION_SUCCEEDED: notes.success,
    **dict.fromkeys(_RECOVERY_EVENTS, notes.recovery),
}

# Notes that say that the package waits, which may no longer be true when they are posted.
_ONLY_WHILE_PENDING = frozenset(
    [EventType.PACKAGE_HARDENED, EventType.PACKAGE_VERSION_ADDED, EventType.TASK_REMINDED, EventType.TASK_ASSIGNED]
)


class Note(NamedTuple):
    """A note, and the revision up to which the thread is complete once it is posted.

    `asks`: the note asks what to do about a failure, so it is replaced once that is answered.
    """

    revision: int
    message: Message
    asks: bool = False


_ENDS_OF_LOOKS = (
    *_FAILURE_EVENTS,
    EventType.EXECUTION_LAPSED,
    EventType.PACKAGE_HELD,
    EventType.PACKAGE_REVOKED,
    EventType.REVIEW_JUDGED,
    EventType.REVIEW_ENDED,
)


def noted_until(dossier: Dossier, viewer: str | None, noted: int) -> int:
    """The revision up to which the thread is complete. `noted`: up to which the last delivery posted notes.

    During a blind look, nothing of the decision is posted to those who may not know it: that follows after its end.
    """
    look, picked = dossier.state.look, 0
    if look is None or dossier.state.open_look or viewer not in (None, look.judge):
        return noted
    for event in dossier.history:
        if event.event_type == EventType.REVIEW_PICKED:
            picked = event.revision
        elif picked and event.event_type in _ENDS_OF_LOOKS:
            return picked - _FROM_APPROVAL if picked <= noted < event.revision else noted
    return noted


_FROM_APPROVAL = 2  # events: the approval, and that it was picked for a look


def notes_of(dossier: Dossier, after: int) -> list[Note]:
    """One note per kind of event after this revision, as things are now, ordered by the last event of each kind.

    So if posting stops after some notes, the revision of the last posted note says exactly what is missing.
    """
    news = dossier.history_after(after)
    happened = {event.event_type: event.revision for event in news}
    escalated = EventType.PACKAGE_ESCALATED in happened
    if escalated or _was_hardened_by_escalation(dossier, after):  # one note already mentions those who are asked
        happened.pop(EventType.PACKAGE_HARDENED, None)
    if escalated and happened.get(EventType.TASK_REMINDED, after) < happened[EventType.PACKAGE_ESCALATED]:
        happened.pop(EventType.TASK_REMINDED, None)
    last: dict[Callable[[Dossier], Message], int] = {}
    for kind, revision in happened.items():
        if kind in _NOTE_OF_EVENT and _still_holds(dossier, kind):
            last[_NOTE_OF_EVENT[kind]] = max(revision, last.get(_NOTE_OF_EVENT[kind], 0))
    kinds = [Note(revision, tell(dossier), asks=tell is notes.failure) for tell, revision in last.items()]
    return sorted([*kinds, *_messages(dossier, news)], key=attrgetter("revision"))


def answered_failure(dossier: Dossier, noted: int) -> Message | None:
    """What the last note about a failure becomes; None while it still asks. `noted`: up to where notes were posted."""
    failures = [event for event in dossier.history if event.event_type in _FAILURE_EVENTS and event.revision <= noted]
    if not failures:
        return None
    later = (event for event in dossier.history_after(failures[-1].revision) if event.event_type in _ANSWERS)
    answer = next(later, None)
    return notes.answered_failure(dossier, failures[-1], answer) if answer else None


def _messages(dossier: Dossier, news: Iterable[HistoryEvent]) -> list[Note]:
    """One note for all messages since the last note, usually one."""
    sent = [event for event in news if event.event_type == EventType.PACKAGE_MESSAGE]
    return [Note(sent[-1].revision, notes.messages(dossier, sent))] if sent else []


def _was_hardened_by_escalation(dossier: Dossier, after: int) -> bool:
    hardened = (event for event in dossier.history_after(after) if event.event_type == EventType.PACKAGE_HARDENED)
    return any(event.reason == Cause.ESCALATION for event in hardened)


_CONDITIONS: Mapping[str, Callable[[PackageState], bool]] = {
    EventType.PACKAGE_HELD: lambda state: state.hold is not None,
    EventType.PACKAGE_RESUMED: lambda state: state.hold is None,
    EventType.PACKAGE_THREAD_CHANGED: lambda state: state.is_running,
    EventType.EXECUTION_REMINDED: lambda state: state.is_unused,
    EventType.EXCEPTION_SHORTENED: lambda state: state.is_granted_exception,
    EventType.EXCEPTION_ANNOUNCED: lambda state: state.is_granted_exception,
}


def _still_holds(dossier: Dossier, event_type: str) -> bool:
    """Whether the event's status is still current. What was undone meanwhile is in the history only."""
    state = dossier.state
    if event_type in _ONLY_WHILE_PENDING:
        return state.status is Status.PENDING
    if event_type in _CONDITIONS:
        return _CONDITIONS[event_type](state)
    if event_type in _FAILURE_EVENTS:
        return state.proceeds and EventType.of("execution", state.execution.state) == event_type
    if event_type == EventType.EXECUTION_SUCCEEDED:
        return dossier.says_success and state.execution.state is ExecutionState.SUCCEEDED
    if event_type in _RECOVERY_EVENTS:
        return state.recovery is not None and state.status is not Status.REJECTED
    return _STATUS_OF_EVENT.get(event_type, state.status) is state.status
