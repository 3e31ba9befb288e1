"""How what happened becomes the record: sealed events, each holding the digest of the one before it.

An event holds ids, enums, times and digests. Words lie beside it, under the event's id, and the event holds their
salted digest: with the words (and their salt) emptied, nothing can be guessed back, and the chain stays whole.
`change` is what the event did to the package's state, so that the events fold to the state.
"""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256
from typing import Any

from rules.canonical import canonical_json
from rules.state.events import TenantEventType
from rules.state.model import PackageState
from rules.state.transition import Occurrence, Words

Event = dict[str, Any]

EVENT_VERSION = "1.0"


def rfc3339(moment: datetime) -> str:
    return moment.isoformat().removesuffix("+00:00") + "Z"


def content_digest(words: Words, salt: str) -> str:
    return "sha256:" + sha256(salt.encode() + canonical_json(words)).hexdigest()


def event_digest(event: Event) -> str:
    """Over everything but itself."""
    body = {name: value for name, value in event.items() if name != "digest"}
    return "sha256:" + sha256(canonical_json(body)).hexdigest()


def seal_event(body: Event, previous: str | None) -> Event:
    event = body | {"previous": previous}
    return event | {"digest": event_digest(event)}


def package_event(happened: Occurrence, before: PackageState | None, salt: str) -> Event:
    """The event of a package's chain, still to be sealed."""
    after = happened.after
    occurred_at = rfc3339(after.updated_at)
    return {
        "event_id": happened.event_id,
        "event_type": happened.event_type.value,
        "event_version": EVENT_VERSION,
        "occurred_at": occurred_at,
        "tenant_id": after.tenant_id,
        "run_id": after.run_id,
        "thread_id": after.thread_id,
        "interrupt_id": after.interrupt_id,
        "decision_package_id": after.decision_package_id,
        "package_version": after.version,
        "action_type": after.action_type,
        "action_digest": after.action_digest,
        "reversibility_class": after.reversibility.value,
        "hitl_level": after.level.value,
        "confidence": after.confidence,
        "actor": happened.actor.actor_id,
        "authority": happened.authority.model_dump(mode="json") if happened.authority else None,
        "decision": happened.decision.value if happened.decision else None,
        "basis": happened.basis.value if happened.basis else None,
        "reason": happened.reason,
        "policy_version": happened.policy_version,
        "latency_ms": happened.latency_ms,
        "executed_at": occurred_at if _executed(before, after) else None,
        "outcome": happened.outcome,
        "rendering_id": happened.rendering_id,
        "revision": after.revision,
        "change": state_changes(before, after),
        "content": content_digest(happened.words, salt) if happened.words else None,
    }


def _executed(before: PackageState | None, after: PackageState) -> bool:
    """Whether the execution came further by it. That nobody has begun one is no execution."""
    return before is not None and before.execution.state is not after.execution.state


def state_changes(before: PackageState | None, after: PackageState) -> dict[str, Any]:
    """The fields that differ, as JSON. Fields are compared by identity first: most are the very same object."""
    if before is None:
        return after.model_dump(mode="json")
    old, new = before.__dict__, after.__dict__
    differing = {name for name, value in new.items() if value is not old[name] and value != old[name]}
    return after.model_dump(mode="json", include=differing)


def tenant_event(
    *,
    event_id: str,
    event_type: TenantEventType,
    tenant_id: str,
    actor: str,
    now: datetime,
    sequence: int,
    **facts: Any,
) -> Event:
    """An event of the tenant's own chain (agents, keys, policy texts, absences …), still to be sealed."""
    return {
        "event_id": event_id,
        "event_type": event_type.value,
        "event_version": EVENT_VERSION,
        "occurred_at": rfc3339(now),
        "tenant_id": tenant_id,
        "decision_package_id": None,
        "actor": actor,
        "revision": sequence,
        "change": facts,
        "content": None,
    }


def fold_events(events: list[Event]) -> dict[str, Any]:
    """What the events of one package come to."""
    state: dict[str, Any] = {}
    for event in events:
        state |= event["change"]
    return state
