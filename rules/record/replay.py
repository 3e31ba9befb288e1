"""Replays the events of a package: each status change must be in the table of verbs, and the end must be the state.

An event says what changed in the state. `Folding` applies the events one after the other and names each fault;
`PACKAGES` says which fields of an event repeat the state. `rules.record.verify` calls it for each chain.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from rules.authority.looks import is_drawn
from rules.record.evidence import Fault, Trail
from rules.record.fold import Folding, fold
from rules.record.replay_threads import THREADS
from rules.state.events import EventType
from rules.state.model import PackageState, Status
from rules.threads.model import is_thread
from rules.verbs.table import VERBS

# Every status change of the table of verbs. A tuple and no set, because a forged status may be unhashable.
_STEPS = tuple(
    {(was, now) for row in VERBS.values() for was in row.leads_from for now in row.leads_to if was is not now}
)
_NEXT_VERSION = (EventType.PACKAGE_VERSION_ADDED, Status.PENDING)


def _status_fault(event_type: str, was: Any, now: Any) -> str | None:
    if was is None or event_type == EventType.PACKAGE_SUBMITTED:
        begins = (was, event_type, now) == (None, EventType.PACKAGE_SUBMITTED, Status.PENDING)
        return None if begins else f"a package begins with package.submitted and as pending, not {event_type} and {now}"
    if was == now:
        return None
    if (was, now) not in _STEPS:
        return f"no command changes a package from {was} to {now}"
    named = event_type == EventType.of("package", now) or (event_type, now) == _NEXT_VERSION
    return None if named else f"it leads from {was} to {now}, and is named {event_type}"


PACKAGES = Folding(
    subject="package",
    model=PackageState,
    mirrored={
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
    },
    fixed=(
        "tenant_id",
        "decision_package_id",
        "agent_id",
        "owner",
        "kind",
        "action_type",
        "interrupt_id",
        "created_at",
    ),
    status_fault=_status_fault,
    moves={EventType.PACKAGE_HANDED_OVER.value: frozenset(["agent_id", "owner"])},
)


def replay(trail: Trail) -> Iterator[Fault]:
    """Replay an intact chain, of a package or a thread, and yield its faults."""
    if is_thread(trail.package_id):
        yield from fold(trail, THREADS)
        return
    yield from fold(trail, PACKAGES)
    yield from _draw_faults(trail)


_PICKED = (EventType.REVIEW_PICKED, EventType.REVIEW_NOT_POSSIBLE)


def _draw_faults(trail: Trail) -> Iterator[Fault]:
    """The rate is in the event that ended the review, and the event of its decision determines the draw."""
    for event, following in pairwise([*trail.events, {}]):
        is_picked = following.get("event_type") in _PICKED
        if is_picked is not _should_be_picked(event["change"]):
            sentence = f"it was {'' if is_picked else 'not '}picked for a blind second look, against its draw"
            yield Fault(trail.package_id, event["revision"], event["event_id"], sentence)


def _should_be_picked(change: dict[str, Any]) -> bool:
    rate, decision = change.get("audit_rate"), change.get("decision")
    if not isinstance(rate, int | float) or not isinstance(decision, dict):
        return False
    return is_drawn(str(decision.get("event_id")), rate)
