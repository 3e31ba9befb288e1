"""Replays the events of a thread: each change must be in the table of threads, and the end must be the state."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError

from rules.record.chain import Event
from rules.record.evidence import Fault, Trail
from rules.threads.events import ThreadEventType
from rules.threads.model import ThreadState, ThreadStatus
from rules.threads.table import THREAD_VERBS

_STEPS = tuple(
    (row.event_type.value, was.value, (row.leads_to or was).value)
    for row in THREAD_VERBS.values()
    for was in (*row.taken_in, *([row.leads_to] if row.event_type is ThreadEventType.HELD and row.leads_to else []))
)
_MIRRORED = ("thread_id", "tenant_id", "revision")
_FIXED = ("tenant_id", "thread_key", "thread_id")


def replay_thread(trail: Trail) -> Iterator[Fault]:
    """Replay an intact chain and yield its faults."""
    state: dict[str, Any] = {}
    for event in trail.events:
        before, state = state, state | event["change"]
        if what := _event_fault(event, before, state):
            yield Fault(trail.package_id, event["revision"], event["event_id"], what)
    claimed = trail.claim.state if trail.claim else None
    if trail.claim and state and not _equal_states(state, claimed):
        other = claimed or {}
        names = sorted(name for name in state.keys() | other.keys() if state.get(name) != other.get(name))
        what = f"the state that is kept is not what its events come to: {', '.join(names)}"
        yield Fault(trail.package_id, trail.claim.length, None, what)


def _equal_states(state: dict[str, Any], claimed: dict[str, Any] | None) -> bool:
    """Whether both are equal, if fields that only a later release knows are filled with their defaults."""
    return state == claimed or (claimed is not None and _parse_state(state) == _parse_state(claimed) is not None)


def _parse_state(state: dict[str, Any]) -> ThreadState | None:
    try:
        return ThreadState.model_validate_json(json.dumps(state), strict=True)
    except ValidationError:
        return None


def _event_fault(event: Event, before: dict[str, Any], after: dict[str, Any]) -> str | None:
    unlike = [name for name in _MIRRORED if event.get(name) != after.get(name)]
    twins = {"decision_package_id": "thread_key", "occurred_at": "updated_at"}
    unlike += [name for name, twin in twins.items() if event.get(name) != after.get(twin)]
    if unlike:
        return f"it says one thing of itself and another of the thread: {', '.join(unlike)}"
    moved = [name for name in _FIXED if before and before.get(name) != after.get(name)]
    if moved:
        return f"it changes what never changes: {', '.join(moved)}"
    was, now = before.get("status", ThreadStatus.RUNNING.value), after.get("status")
    if (event["event_type"], was, now) not in _STEPS:
        return f"it is named {event['event_type']} and leads from {was} to {now}, and nothing can do that"
    return None
