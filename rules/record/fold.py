"""Folds the events of a chain and compares each with the state after it, and the end with the state that is kept."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from pydantic import ValidationError

from rules.record.chain import Event
from rules.record.evidence import Fault, Trail
from rules.values import Value

Json = dict[str, Any]


class Folding(NamedTuple):
    """What is checked of a chain.

    `mirrored`: fields of an event, and the fields of the state after it that must have the same value. `fixed`: fields
    that never change, except those that `moves` names for a type of event. `status_fault`: what is wrong with the
    event's type and the status before and after it.
    """

    subject: str
    model: type[Value]
    mirrored: Mapping[str, str]
    fixed: tuple[str, ...]
    status_fault: Callable[[str, Any, Any], str | None]
    moves: Mapping[str, frozenset[str]] = {}


def fold(trail: Trail, folding: Folding) -> Iterator[Fault]:
    """Fold an intact chain and yield its faults."""
    state: Json = {}
    for event in trail.events:
        before, state = state, state | event["change"]
        if sentence := _event_fault(event, before, state, folding):
            yield Fault(trail.package_id, event["revision"], event["event_id"], sentence)
    claimed = trail.claim.state if trail.claim else None
    if trail.claim and state and not _equal_states(state, claimed, folding.model):
        sentence = f"the state that is kept is not what its events come to: {', '.join(_differing(state, claimed))}"
        yield Fault(trail.package_id, trail.claim.length, None, sentence)


def _event_fault(event: Event, before: Json, after: Json, folding: Folding) -> str | None:
    unlike = [name for name, twin in folding.mirrored.items() if event.get(name) != after.get(twin)]
    if unlike:
        return f"it says one thing of itself and another of the {folding.subject}: {', '.join(unlike)}"
    may_move = folding.moves.get(event["event_type"], frozenset())
    fixed = [name for name in folding.fixed if name not in may_move]
    moved = [name for name in fixed if before and before.get(name) != after.get(name)]
    if moved:
        return f"it changes what never changes: {', '.join(moved)}"
    return folding.status_fault(event["event_type"], before.get("status"), after.get("status"))


def _equal_states(state: Json, claimed: Json | None, model: type[Value]) -> bool:
    """Whether both are equal, if fields that only a later release knows are filled with their defaults."""
    return state == claimed or (
        claimed is not None and _parse_state(state, model) == _parse_state(claimed, model) is not None
    )


def _parse_state(state: Json, model: type[Value]) -> Value | None:
    try:
        return model.model_validate_json(json.dumps(state), strict=True)
    except ValidationError:
        return None


def _differing(state: Json, claimed: Json | None) -> list[str]:
    other = claimed or {}
    return sorted(name for name in state.keys() | other.keys() if state.get(name) != other.get(name)) or ["its form"]
