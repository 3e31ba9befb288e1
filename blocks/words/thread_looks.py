"""How the states, commands and events of a thread are shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from blocks.kit.ids import ActionId
from rules.threads.commands import ThreadVerb
from rules.threads.events import ThreadEventType
from rules.threads.model import ThreadStatus


class ThreadLook(NamedTuple):
    """The button of a command, the title of its form, and what it does."""

    action: ActionId
    label: str
    meaning: str
    style: str | None = None


THREAD_LOOKS: Mapping[ThreadVerb, ThreadLook] = {
    ThreadVerb.HOLD: ThreadLook(
        ActionId.THREAD_HOLD,
        "Hold thread",
        "Nothing new is accepted, carried out or approved by silence until someone resumes the thread. No deadline runs"
        " meanwhile. What is already running goes on.",
    ),
    ThreadVerb.RESUME: ThreadLook(
        ActionId.THREAD_RESUME,
        "Resume thread",
        "The agent goes on. If you give it another state, approvals that were not used yet are revoked, because they"
        " were given to the old plan.",
        "primary",
    ),
    ThreadVerb.CANCEL: ThreadLook(
        ActionId.THREAD_CANCEL,
        "Cancel thread",
        "Open packages are cancelled and unused approvals revoked, for good. What is already running goes on.",
        "danger",
    ),
}
VERB_OF_ACTION: Mapping[str, ThreadVerb] = {look.action.value: verb for verb, look in THREAD_LOOKS.items()}

STATUS_LABELS: Mapping[ThreadStatus, str] = {
    ThreadStatus.RUNNING: "running",
    ThreadStatus.HELD: "on hold",
    ThreadStatus.CANCELLED: "cancelled",
}
STATUS_ICONS: Mapping[ThreadStatus, str] = {
    ThreadStatus.RUNNING: "▶️",
    ThreadStatus.HELD: "⏸️",
    ThreadStatus.CANCELLED: "🚫",
}
EVENT_LABELS: Mapping[str, str] = {
    ThreadEventType.CHECKPOINT_REPORTED: "Checkpoint reached",
    ThreadEventType.HELD: "Thread put on hold",
    ThreadEventType.RESUMED: "Thread resumed",
    ThreadEventType.CANCELLED: "Thread cancelled",
    ThreadEventType.HANDOFF_OFFERED: "Thread offered to another agent",
    ThreadEventType.HANDOFF_ACCEPTED: "Handoff accepted",
    ThreadEventType.HANDOFF_DECLINED: "Handoff declined",
    ThreadEventType.HANDOFF_RETURNED: "Thread returned by the other agent",
    ThreadEventType.HANDOFF_TIMED_OUT: "Handoff not answered or returned in time",
}
