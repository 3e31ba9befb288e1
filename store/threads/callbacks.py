"""Writes the callbacks of a thread, to the agent that owns it. They are sent in order."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select

from rules.people.directory import AgentStanding, Roster
from rules.record.chain import rfc3339
from rules.record.status_document import Document
from rules.record.thread_document import thread_document
from rules.threads.decide import ThreadTransition
from rules.threads.events import ThreadEventType
from store.agents.agents import AGENTS
from store.outbox.callbacks import CALLBACKS, CallbackState, has_undelivered
from store.threads.members import own_packages

_REPORTED = frozenset([ThreadEventType.HELD, ThreadEventType.RESUMED, ThreadEventType.CANCELLED])
_ADD = insert(CALLBACKS)
_URL = select(AGENTS.c.callback_url).where(
    AGENTS.c.tenant_id == bindparam("tenant"),
    AGENTS.c.agent_id == bindparam("agent"),
    AGENTS.c.standing != AgentStanding.REVOKED.value,
)


def write_thread_callback(connection: Connection, roster: Roster, result: ThreadTransition) -> None:
    """Call this after the packages were written, because the document lists them."""
    if result.event_type not in _REPORTED:
        return
    after = result.after
    url = connection.execute(_URL, {"tenant": after.tenant_id, "agent": after.owner_agent}).scalar_one_or_none()
    if url is None:
        return
    data = thread_document(after, own_packages(connection, after), result.words, roster)
    connection.execute(_ADD, _callback(connection, result, url, data))


def _callback(connection: Connection, result: ThreadTransition, url: str, data: Document) -> dict[str, Any]:
    after, now = result.after, datetime.now(UTC)  # real time, as for packages
    is_first = not has_undelivered(connection, after.tenant_id, after.thread_key)
    body = {"type": result.event_type.value, "timestamp": rfc3339(result.at), "data": data}
    return {
        "tenant_id": after.tenant_id,
        "callback_id": "msg_" + result.event_id.removeprefix("evt_"),
        "package_id": after.thread_key,
        "agent_id": after.owner_agent,
        "revision": after.revision,
        "event_type": result.event_type.value,
        "url": url,
        "body": json.dumps(body),
        "state": (CallbackState.DUE if is_first else CallbackState.WAITING).value,
        "attempts": 0,
        "due_at": now,
        "created_at": now,
    }
