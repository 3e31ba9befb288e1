"""How the card, the notes and Details of a package tell that its thread is on hold or cancelled, by whom and why."""

from __future__ import annotations

from collections.abc import Mapping

from blocks.kit.elements import moment, paragraph
from blocks.kit.frame import Parts, framed_runs, labelled
from blocks.words.dossier import Dossier
from blocks.words.sentences import person_name, sentence
from rules.threads.model import ThreadStatus

_STOPPED: Mapping[ThreadStatus, str] = {
    ThreadStatus.HELD: "Thread on hold by {} since ",
    ThreadStatus.CANCELLED: "Thread cancelled by {} ",
}
_DID: Mapping[ThreadStatus, str] = {
    ThreadStatus.RUNNING: "resumed this thread",
    ThreadStatus.HELD: "put this thread on hold",
    ThreadStatus.CANCELLED: "cancelled this thread",
}
# Not just "Reason": the agent's own reason may have that label on the same card.
_WORDS: Mapping[ThreadStatus, str] = {
    ThreadStatus.RUNNING: "Instruction",
    ThreadStatus.HELD: "Why on hold",
    ThreadStatus.CANCELLED: "Why cancelled",
}
GOES_ON = "This is already running and goes on."
_REASON = 300  # characters


def stop_on_card(dossier: Dossier) -> Parts:
    """For a package that the thread's hold or cancellation found waiting, permitted or running; else nothing."""
    state = dossier.state
    if state.is_running or (state.hold and state.status.terminal):
        return stop_parts(dossier)
    return stop_reason(dossier) if state.hold or _ended_with_thread(dossier) else ()


def _ended_with_thread(dossier: Dossier) -> bool:
    """Whether an event of this package follows from the cancellation."""
    thread = dossier.thread
    if thread is None or thread.status is not ThreadStatus.CANCELLED or not thread.event_id:
        return False
    return any(thread.event_id in (event.reason or "") for event in dossier.history)


def stop_parts(dossier: Dossier) -> Parts:
    """Who stopped the thread, when and why; nothing while it runs."""
    thread = dossier.thread
    if thread is None or thread.status not in _STOPPED or thread.since is None:
        return ()
    goes_on = f". {GOES_ON}" if dossier.state.is_running else ""
    who = _STOPPED[thread.status].format(_commander(dossier))
    return (paragraph(who, moment(thread.since), goes_on), *stop_reason(dossier))


def stop_reason(dossier: Dossier) -> Parts:
    """What the person wrote, in a frame; nothing if retention has erased it."""
    status = dossier.thread.status if dossier.thread else ThreadStatus.RUNNING
    text = dossier.thread_words.get("instruction" if status is ThreadStatus.RUNNING else "reason")
    return framed_runs([labelled(_WORDS[status], text, _REASON)]) if isinstance(text, str) else ()


def thread_news(dossier: Dossier) -> str:
    """What was done with the thread last, as a sentence."""
    return sentence(f"{_commander(dossier)} {_DID[dossier.thread.status if dossier.thread else ThreadStatus.RUNNING]}")


def _commander(dossier: Dossier) -> str:
    return person_name(dossier, dossier.thread.by) if dossier.thread and dossier.thread.by else "someone"
