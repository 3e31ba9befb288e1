"""Builds the record: a chain of events in which each holds the digest of the one before it.

An event holds ids, enums, times and digests. Texts are stored beside it under the event's id, and the event holds their
salted digest. Once retention erases the texts and their salt, nothing can be guessed from the digest, and the chain
stays intact. `change` is what the event changed in the package's state, so that folding the events gives the state.
"""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from typing import Any

from rules.canonical import canonical_json
from rules.state.events import TenantEventType
from rules.state.model import PackageState
from rules.state.transition import Occurrence, Words
from rules.threads.decide import ThreadTransition
from rules.threads.model import ThreadState

Event = dict[str, Any]

EVENT_VERSION = "1.0"
THREAD = "thread"  # stands for the action type in the events of a thread


@lru_cache(maxsize=256)  # a command writes the same time into many places
def rfc3339(moment: datetime) -> str:
    return moment.isoformat().removesuffix("+00:00") + "Z"


def content_digest(words: Words, salt: str) -> str:
    return "sha256:" + sha256(salt.encode() + canonical_json(words)).hexdigest()


def event_digest(event: Event) -> str:
    """The digest of all of the event except the digest itself."""
    body = {name: value for name, value in event.items() if name != "digest"}
    return "sha256:" + sha256(canonical_json(body)).hexdigest()


def seal_event(body: Event, previous: str | None) -> Event:
    event = body | {"previous": previous}
    return event | {"digest": event_digest(event)}


def package_event(occurrence: Occurrence, before: PackageState | None, salt: str) -> Event:
    """An event of a package's chain, before it is sealed."""
    after = occurrence.after
    occurred_at = rfc3339(after.updated_at)
    return {
        "event_id": occurrence.event_id,
        "event_type": occurrence.event_type.value,
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
        "actor": occurrence.actor.actor_id,
        "authority": occurrence.authority.model_dump(mode="json") if occurrence.authority else None,
        "decision": occurrence.decision.value if occurrence.decision else None,
        "basis": occurrence.basis.value if occurrence.basis else None,
        "reason": occurrence.reason,
        "policy_version": occurrence.policy_version,
        "latency_ms": occurrence.latency_ms,
        "executed_at": occurred_at if _execution_advanced(before, after) else None,
        "outcome": occurrence.outcome,
        "rendering_id": occurrence.rendering_id,
        "revision": after.revision,
        "change": state_changes(before, after),
        "content": content_digest(occurrence.words, salt) if occurrence.words else None,
    }


def _execution_advanced(before: PackageState | None, after: PackageState) -> bool:
    """Whether the state of the execution changed. A new package has no execution."""
    return before is not None and before.execution.state is not after.execution.state


def state_changes(before: PackageState | None, after: PackageState) -> dict[str, Any]:
    """The fields that differ, as JSON. Compared by identity first, because most are the same object."""
    if before is None:
        return after.model_dump(mode="json")
    old, new = before.__dict__, after.__dict__
    differing = {name for name, value in new.items() if value is not old[name] and value != old[name]}
    return after.model_dump(mode="json", include=differing)


def thread_event(transition: ThreadTransition, salt: str) -> Event:
    """An event of a thread's chain, before it is sealed. Its `decision_package_id` is the key of the thread."""
    after = transition.after
    return {
        "event_id": transition.event_id,
        "event_type": transition.event_type.value,
        "event_version": EVENT_VERSION,
        "occurred_at": rfc3339(transition.at),
        "tenant_id": after.tenant_id,
        "thread_id": after.thread_id,
        "decision_package_id": after.thread_key,
        "action_type": THREAD,
        "actor": transition.actor.actor_id,
        "authority": transition.authority.model_dump(mode="json") if transition.authority else None,
        "reason": None,
        "policy_version": transition.policy_version,
        "revision": after.revision,
        "change": _thread_changes(transition.before, after),
        "content": content_digest(transition.words, salt) if transition.words else None,
    }


def _thread_changes(before: ThreadState, after: ThreadState) -> dict[str, Any]:
    """The first event holds the whole state, so that folding the events gives it."""
    new = after.model_dump(mode="json")
    old = before.model_dump(mode="json") if before.revision else {}
    return {name: value for name, value in new.items() if name not in old or old[name] != value}


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
    """An event of the tenant's own chain (agents, keys, policies, absences …), before it is sealed."""
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
