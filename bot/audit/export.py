"""Exports the audit trail: as signed jsonl, which can be verified, or as CSV for a spreadsheet.

A jsonl export is, line by line:

1. the header: `{"kind": "countersign-export", "version": 3, "tenant_id", "made_at", "filter"}`; with a filter it is
   only a part of the record;
2. the events of the tenant's own chain, each exactly as it was hashed; a line without `kind` is an event. Then
   `{"kind": "agent", "agent_id", "name", "owner"}` for each agent, and `{"kind": "policy", "digest", "version",
   "text"}` for each policy that was ever in force;
3. for each package its events, then `{"kind": "content", "decision_package_id", "event_id", "salt", "words"}` for the
   texts of each event, `{"kind": "rendering", "decision_package_id", "rendering_id", "body"}` for what people saw,
   then `{"kind": "state", "decision_package_id", "length", "head", "state"}`;
4. for each package `{"kind": "head", "decision_package_id", "length", "head"}`, so that a package that is missing above
   can be named;
5. the manifest: `{"kind": "manifest", "tenant_id", "tenant": {"length", "head"}, "counts", "digest", "public_key",
   "signature"}`. `digest` is the SHA-256 of all bytes before the manifest's line. `signature` is Ed25519 over
   `countersign-export`, a line feed, and the manifest without its signature as canonical JSON (RFC 8785).

A thread that was given a command has the same lines, with its key (`thr_…`) as `decision_package_id`. Version 1 had no
agents, policies and renderings, and version 2 no threads. A filter selects packages and threads, which are then
exported whole, because half a chain proves nothing. A CSV holds only the selected events.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection

from bot.audit.csv_lines import csv_line
from bot.keys import SigningKey
from rules.canonical import canonical_json
from rules.record.chain import Event, rfc3339
from rules.record.evidence import TENANT, Counts, Trail
from store.audit.columns import parse_event_row
from store.audit.reader import (
    EVERYTHING,
    Progress,
    Selection,
    matching_events,
    no_progress,
    read_heads,
    read_trails,
)
from store.audit.tenant_record import agent_identities, policy_texts, tenant_claim, tenant_rows
from store.installation.tenancy import read_tenant_id

KIND, VERSION = "countersign-export", 3

COLUMNS = (
    "occurred_at",
    "event_type",
    "decision_package_id",
    "package_version",
    "action_type",
    "agent",
    "actor",
    "decision",
    "basis",
    "reason",
    "outcome",
    "hitl_level",
    "reversibility_class",
    "confidence",
    "latency_ms",
    "executed_at",
    "authority",
    "policy_version",
    "action_digest",
    "rendering_id",
    "interrupt_id",
    "run_id",
    "thread_id",
    "tenant_id",
    "event_id",
    "event_version",
    "revision",
    "previous",
    "digest",
    "facts",
)


def export_jsonl(
    connection: Connection,
    key: SigningKey,
    now: datetime,
    selection: Selection = EVERYTHING,
    progress: Progress = no_progress,
) -> Iterator[bytes]:
    """Yield the lines of an export. `connection` must be a `snapshot`. Lines are counted and hashed, but not kept."""
    summary, tenant_id = _Summary(), read_tenant_id(connection)
    yield summary.line(
        {
            "kind": KIND,
            "version": VERSION,
            "tenant_id": tenant_id,
            "made_at": rfc3339(now),
            "filter": None if selection.whole else selection.as_json(),
        }
    )
    for line in _body(connection, tenant_id, selection, summary.counts, progress):
        yield summary.line(line)
    yield _encode(_manifest(connection, tenant_id, summary, key))


def signed_message(manifest: dict[str, Any]) -> bytes:
    """The bytes that the manifest's signature covers. They begin with their purpose, so the signature fits no other."""
    unsigned = {name: value for name, value in manifest.items() if name != "signature"}
    return KIND.encode() + b"\n" + canonical_json(unsigned)


class _Summary:
    """Counts and digest of the lines written so far."""

    def __init__(self) -> None:
        self.counts, self.digest = Counts(), sha256()

    def line(self, value: dict[str, Any]) -> bytes:
        line = _encode(value)
        self.digest.update(line)
        return line


def _encode(value: dict[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode() + b"\n"


def _body(
    connection: Connection, tenant_id: str, selection: Selection, counts: Counts, progress: Progress
) -> Iterator[dict[str, Any]]:
    for row in tenant_rows(connection, tenant_id):
        counts.tenant_events += 1
        yield _event(parse_event_row(row, TENANT, row.sequence)[0], None)
    yield from ({"kind": "agent", **agent} for agent in agent_identities(connection, tenant_id))
    for policy in policy_texts(connection, tenant_id):
        counts.policies += 1
        yield {"kind": "policy", **policy._asdict()}
    for trail in read_trails(connection, tenant_id, selection, progress):
        counts.add_trail(trail)
        yield from _trail_lines(trail)
    for head in read_heads(connection, tenant_id, selection):
        yield {"kind": "head", "decision_package_id": head.package_id, "length": head.length, "head": head.head}


def _trail_lines(trail: Trail) -> Iterator[dict[str, Any]]:
    ids = {"decision_package_id": trail.package_id}
    for event in trail.events:
        yield _event(event, trail.package_id)
    for content in trail.contents:
        yield {"kind": "content", **ids, **content._asdict()}
    for rendering in trail.renderings:
        yield {"kind": "rendering", **ids, **rendering._asdict()}
    if trail.claim:
        yield {"kind": "state", **ids, **trail.claim._asdict()}
    elif not (trail.events or trail.contents):
        # All its rows are gone: without this line, the check could not name it.
        yield {"kind": "head", **ids, "length": 0, "head": None}


def _event(event: Any, package_id: str | None) -> dict[str, Any]:
    """Return the event as it is. A row that is not an event, because someone changed it, is marked as unreadable."""
    if isinstance(event, dict) and "kind" not in event:
        return event
    return {"kind": "unreadable", "decision_package_id": package_id, "body": event}


def _manifest(connection: Connection, tenant_id: str, summary: _Summary, key: SigningKey) -> dict[str, Any]:
    claim = tenant_claim(connection)
    manifest = {
        "kind": "manifest",
        "tenant_id": tenant_id,
        "tenant": {"length": claim.length, "head": claim.head},
        "counts": asdict(summary.counts),
        "digest": "sha256:" + summary.digest.hexdigest(),
        "public_key": key.public,
    }
    return manifest | {"signature": key.sign(signed_message(manifest))}


def export_csv(
    connection: Connection, selection: Selection = EVERYTHING, progress: Progress = no_progress
) -> Iterator[str]:
    """Yield the selected events, oldest first, after a header line. `progress` gets a total of 0: it is unknown."""
    tenant_id = read_tenant_id(connection)
    names = {agent["agent_id"]: agent["name"] for agent in agent_identities(connection, tenant_id)}
    yield csv_line(COLUMNS)
    for done, (agent_id, event) in enumerate(matching_events(connection, tenant_id, selection), 1):
        row = event | {"agent": names.get(agent_id or _agent_of(event))}
        yield csv_line(_value(row, name) for name in COLUMNS)
        progress(done, 0)


def _agent_of(event: Event) -> str:
    """The agent that a tenant event is about, such as one that was added, paused or given a new key."""
    change = event.get("change")
    return str(change.get("agent_id")) if isinstance(change, dict) else ""


def _value(event: Event, name: str) -> Any:
    """`facts` is filled for tenant events only; the changes to a package are meant for programs."""
    return event.get("change") if name == "facts" and not event.get("decision_package_id") else event.get(name)
