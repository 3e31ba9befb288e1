"""Which events are told in a card's thread: an updated card pings nobody, and shows only how it ended."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from blocks import note
from blocks.dossier import Dossier
from blocks.message import Message
from rules.state import Status

_TOLD: Mapping[str, Callable[[Dossier], Message]] = {
    "package.hardened": note.hardened,
    "package.escalated": note.escalated,
    "package.pending": note.reminded,
    "task.reminded": note.reminded,
    "execution.reminded": note.unused,
    "task.assigned": note.reminded,
    "package.version_added": note.new_version,
    "package.taken_over": note.taken_over,
    "thread.handed_back": note.handed_back,
    **{f"package.{status}": note.decided for status in Status if status not in (Status.PENDING, Status.TAKEN_OVER)},
}

# What says that something waits, which it may no longer do when it is told.
_WAITS = frozenset(["package.hardened", "package.version_added", "task.reminded", "task.assigned"])


def notes_of(dossier: Dossier, after: int) -> list[Message]:
    """One note for each kind of thing that happened after this revision, as it stands now."""
    happened = dict.fromkeys(event.event_type for event in dossier.history[after:])
    if "package.escalated" in happened:  # it calls those who are asked from now on, which once is enough
        happened.pop("package.hardened", None)
    told = dict.fromkeys(_TOLD[kind] for kind in happened if kind in _TOLD and _holds(dossier, kind))
    return [tell(dossier) for tell in told]


def _holds(dossier: Dossier, event_type: str) -> bool:
    """Whether a status that came is still the status: what was meanwhile undone is in the history."""
    if event_type in _WAITS:
        return dossier.state.status is Status.PENDING
    name = event_type.removeprefix("package.")
    return name not in set(Status) or dossier.state.status.value == name
