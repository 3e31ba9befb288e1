"""The events of threads that the events of a package name. If a whole thread is removed, these still show it."""

from __future__ import annotations

from collections.abc import Iterator

from rules.record.chain import Event
from rules.record.evidence import Fault, Trail
from rules.state.events import Cause

_CAUSES = (
    Cause.THREAD_HELD,
    Cause.THREAD_RESUMED,
    Cause.THREAD_CANCELLED,
    Cause.THREAD_CHANGED,
    Cause.THREAD_HANDED_OVER,
)


def thread_references(trail: Trail) -> Iterator[tuple[str, Fault]]:
    """Each named event, with the fault if there is no such event. The chain must be intact."""
    for event in trail.events:
        if event_id := _named_event(event):
            sentence = f"it names {event_id}, and no thread has this event"
            yield event_id, Fault(trail.package_id, event["revision"], event["event_id"], sentence)


def _named_event(event: Event) -> str | None:
    cause, _, event_id = str(event.get("reason")).partition(" ")
    return event_id if cause in _CAUSES else None
