"""Replays the events of a package: each status change must be in the table of verbs, and the end must be the state."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from rules.record.chain import Event
from rules.record.evidence import Fault, Trail
from rules.record.replay_threads import replay_thread
from rules.state.events import EventType
from rules.state.model import PackageState, Status
from rules.threads.model import is_thread
from rules.verbs.table import VERBS

# Every status change of the table of verbs. A tuple and no set, because a forged status may be unhashable.
_STEPS = tuple(
    {(was, now) for row in VERBS.values() for was in row.leads_from for now in row.leads_to if was is not now}
)
_NEXT_VERSION = (EventType.PACKAGE_VERSION_ADDED, Status.PENDING)
# Fields of an event, and the fields of the state after it that must have the same value.
_MIRRORED: Mapping[str, str] = {
    "decision_package_id": "decision_package_id",
    "tenant_id": "tenant_id",
    "revision": "revision",
    "occurred_at": "updated_at",
    "run_id": "run_id",
    "thread_id": "thread_id",
    "interrupt_id": "interrupt_id",
    "package_version": "version",
    "action_type": "action_type",
    "action_digest": "action_digest",
    "reversibility_class": "reversibility",
    "hitl_level": "level",
    "confidence": "confidence",
}
_FIXED = ("tenant_id", "decision_package_id", "agent_id", "owner", "kind", "action_type", "interrupt_id", "created_at")


def replay(trail: Trail) -> Iterator[Fault]:
    """Replay an intact chain, of a package or a thread, and yield its faults."""
    return replay_thread(trail) if is_thread(trail.package_id) else _replay_package(trail)


def _replay_package(trail: Trail) -> Iterator[Fault]:
    state: dict[str, Any] = {}
    for event in trail.events:
        before, state = state, state | event["change"]
        if what := _event_fault(event, before, state):
            yield Fault(trail.package_id, event["revision"], event["event_id"], what)
    claimed = trail.claim.state if trail.claim else None
    if trail.claim and state and not _equal_states(state, claimed):
        what = f"the state that is kept is not what its events come to: {', '.join(_differing(state, claimed))}"
        yield Fault(trail.package_id, trail.claim.length, None, what)


def _event_fault(event: Event, before: dict[str, Any], after: dict[str, Any]) -> str | None:
    unlike = [name for name, twin in _MIRRORED.items() if event.get(name) != after.get(twin)]
    if unlike:
        return f"it says one thing of itself and another of the package: {', '.join(unlike)}"
    moved = [name for name in _FIXED if before and before.get(name) != after.get(name)]
    if moved:
        return f"it changes what never changes: {', '.join(moved)}"
    return _status_fault(event["event_type"], before.get("status"), after.get("status"))


def _status_fault(event_type: str, was: Any, now: Any) -> str | None:
    if was is None or event_type == EventType.PACKAGE_SUBMITTED:
        begins = (was, event_type, now) == (None, EventType.PACKAGE_SUBMITTED, Status.PENDING)
        return None if begins else f"a package begins with package.submitted and as pending, not {event_type} and {now}"
    if was == now:
        return None
    if (was, now) not in _STEPS:
        return f"it leads from {was} to {now}, and nothing can do that"
    named = event_type == EventType.of("package", now) or (event_type, now) == _NEXT_VERSION
    return None if named else f"it leads from {was} to {now}, and is named {event_type}"


def _equal_states(state: dict[str, Any], claimed: dict[str, Any] | None) -> bool:
    """Whether both are equal, if fields that only a later release knows are filled with their defaults."""
    return state == claimed or (claimed is not None and _parse_state(state) == _parse_state(claimed) is not None)


def _parse_state(state: dict[str, Any]) -> PackageState | None:
    try:
        return PackageState.model_validate_json(json.dumps(state), strict=True)
    except ValidationError:
        return None


def _differing(state: dict[str, Any], claimed: dict[str, Any] | None) -> list[str]:
    other = claimed or {}
    return sorted(name for name in state.keys() | other.keys() if state.get(name) != other.get(name)) or ["its form"]
