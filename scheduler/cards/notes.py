"""Which events are told in a card's thread: an updated card pings nobody, and shows only how it ended."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import itemgetter
from typing import NamedTuple

from blocks.card import notes
from blocks.kit.message import Message
from blocks.words.dossier import Dossier
from rules.state.model import ExecutionState, Status

_TOLD: Mapping[str, Callable[[Dossier], Message]] = {
    "package.hardened": notes.hardened,
    "package.escalated": notes.escalated,
    "package.pending": notes.reminded,
    "task.reminded": notes.reminded,
    "execution.reminded": notes.unused,
    "task.assigned": notes.reminded,
    "package.version_added": notes.new_version,
    "package.taken_over": notes.taken_over,
    "thread.handed_back": notes.handed_back,
    **{f"package.{status}": notes.decided for status in Status if status not in (Status.PENDING, Status.TAKEN_OVER)},
}

# What says that something waits, which it may no longer do when it is told.
_WAITS = frozenset(["package.hardened", "package.version_added", "task.reminded", "task.assigned"])


class Note(NamedTuple):
    """What is told, and the revision up to which the thread then knows everything."""

    revision: int
    message: Message


def notes_of(dossier: Dossier, after: int) -> list[Note]:
    """One note for each kind of thing that happened after this revision, as it stands now: the last that happened last.

    So of each prefix of them, which is what was told where the next one failed, its last revision says it all.
    """
    happened = {event.event_type: after + nth for nth, event in enumerate(dossier.history[after:], 1)}
    if "package.escalated" in happened:  # it calls those who are asked from now on, which once is enough
        happened.pop("package.hardened", None)
        if happened.get("task.reminded", after) < happened["package.escalated"]:
            happened.pop("task.reminded", None)
    last: dict[Callable[[Dossier], Message], int] = {}
    for kind, revision in happened.items():
        if kind in _TOLD and _holds(dossier, kind):
            last[_TOLD[kind]] = max(revision, last.get(_TOLD[kind], 0))
    return [Note(revision, tell(dossier)) for tell, revision in sorted(last.items(), key=itemgetter(1))]


def _holds(dossier: Dossier, event_type: str) -> bool:
    """Whether a status that came is still the status: what was meanwhile undone is in the history."""
    state = dossier.state
    if event_type in _WAITS:
        return state.status is Status.PENDING
    if event_type == "execution.reminded":
        return state.proceeds and state.execution.state is ExecutionState.NONE
    name = event_type.removeprefix("package.")
    return name not in set(Status) or state.status.value == name
