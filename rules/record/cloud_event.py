"""An audit event as a CloudEvent 1.0, for the operators' feed. `data` is the event exactly as an export writes it.

Events hold ids, enums, times and digests, so the feed contains no text that an agent or a person wrote.
"""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any, NamedTuple

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
    event = _parse(stored.body)
    if event is None:
        return _envelope(stored, _digest(stored.body), UNREADABLE) | {"data": _unreadable(stored)}
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
    """One line."""
    return json.dumps(event, separators=(",", ":")).encode()


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


def _parse(body: str) -> dict[str, Any] | None:
    """The event, or None if someone changed the row so that it is none."""
    try:
        event = parse_strict_json(body)
    except ValueError:
        return None
    named = isinstance(event, dict) and all(
        isinstance(event.get(name), str) for name in ("digest", "event_type", "occurred_at")
    )
    return event if named and "kind" not in event else None


def _unreadable(stored: StoredEvent) -> dict[str, Any]:
    package_id = None if stored.chain_id == TENANT else stored.chain_id
    return {"kind": UNREADABLE, "decision_package_id": package_id, "body": stored.body}


def _digest(text: str) -> str:
    return "sha256:" + sha256(text.encode()).hexdigest()
