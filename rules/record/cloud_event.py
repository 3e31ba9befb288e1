"""An audit event as a CloudEvent 1.0, for the operators' feed. `data` is the event exactly as an export writes it.

Events hold ids, enums, times and digests, and no title, parameter, comment or answer. Some ids are words that the agent
chose (`run_id`, `thread_id`, the type of an action), and some digests have no salt and can be guessed (`action_digest`,
`subject_digest`, and the addresses of people).

An event whose digest or place is not that of its row was changed in the database. It is sent as `unreadable`, as is a
row that is no event, with an id of its own: with the id of another event, a receiver would drop it.
"""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any, NamedTuple

from rules.record.chain import event_digest
from rules.record.evidence import TENANT, parse_strict_json

MEDIA_TYPE = "application/cloudevents+json"
PREFIX = "countersign."  # of each type
UNREADABLE = "unreadable"

CloudEvent = dict[str, Any]


class StoredEvent(NamedTuple):
    """An event as it is stored, and its place: in the chain of a package or thread, or of the tenant (`TENANT`)."""

    tenant_id: str
    chain_id: str
    revision: int
    body: str


def cloud_event(stored: StoredEvent) -> CloudEvent:
    """`id` is the event's digest, which names its content and its place in the chain."""
    event = _parse(stored)
    if event is None:
        return _envelope(stored, _digest(stored), UNREADABLE) | {"data": _unreadable(stored)}
    envelope = _envelope(stored, event["digest"], event["event_type"])
    return envelope | {"time": event["occurred_at"], "data": event}


def probe_event(event_id: str, at: str) -> CloudEvent:
    """Tells a receiver nothing but that it is reached."""
    return {
        "specversion": "1.0",
        "id": f"test_{event_id}",
        "source": "urn:countersign:doctor",
        "type": f"{PREFIX}feed.test",
        "time": at,
        "datacontenttype": "application/json",
        "data": {},
    }


def encode_cloud_event(event: CloudEvent) -> bytes:
    """The event as one line of JSON."""
    return json.dumps(event, separators=(",", ":"), allow_nan=False).encode()


def _envelope(stored: StoredEvent, event_id: str, event_type: str) -> CloudEvent:
    return {
        "specversion": "1.0",
        "id": event_id,
        "source": f"urn:countersign:{stored.tenant_id}",
        "type": PREFIX + event_type,
        "subject": stored.tenant_id if stored.chain_id == TENANT else stored.chain_id,
        "sequence": f"{stored.revision:010d}",  # an extension of CloudEvents: orders the events of one subject
        "datacontenttype": "application/json",
    }


def _parse(stored: StoredEvent) -> dict[str, Any] | None:
    """The event, or None if someone changed the row."""
    try:
        event = parse_strict_json(stored.body)
        return event if _is_sealed_in(stored, event) else None
    except ValueError:
        return None


def _is_sealed_in(stored: StoredEvent, event: Any) -> bool:
    """Whether the event is as it was written, in the place where it was written."""
    if not isinstance(event, dict) or "kind" in event:
        return False
    if not all(isinstance(event.get(name), str) for name in ("digest", "event_type", "occurred_at")):
        return False
    chain_id = event.get("decision_package_id") or TENANT
    place = (event.get("tenant_id"), chain_id, event.get("revision"))
    return place == (stored.tenant_id, stored.chain_id, stored.revision) and event["digest"] == event_digest(event)


def _unreadable(stored: StoredEvent) -> dict[str, Any]:
    package_id = None if stored.chain_id == TENANT else stored.chain_id
    return {"kind": UNREADABLE, "decision_package_id": package_id, "body": stored.body}


def _digest(stored: StoredEvent) -> str:
    return "sha256:" + sha256(json.dumps(stored).encode()).hexdigest()
