"""Writes the callbacks of a thread, to the agent that owns it, and of its handoffs, to the agents that take part.

They are rows of the outbox, written in the transaction of the thread's command, and sent by `scheduler.callbacks`. An
agent without a callback URL, or whose key was revoked, gets none.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, insert, select

from rules.people.directory import AgentStanding, Roster
from rules.record.chain import rfc3339
from rules.record.handoff_document import handoff_document
from rules.record.status_document import Document
from rules.record.thread_document import thread_document
from rules.threads.decide import ThreadTransition
from rules.threads.events import ThreadEventType
from rules.threads.handoff import Handoff, HandoffStatus
from store.agents.agents import AGENTS, agent_names
from store.outbox.callbacks import CALLBACKS, CallbackState, PostKind, has_undelivered
from store.packages.content import load_words
from store.threads.members import own_packages

_REPORTED = frozenset([ThreadEventType.HELD, ThreadEventType.RESUMED, ThreadEventType.CANCELLED])
_TO_GIVER = frozenset([HandoffStatus.ACCEPTED, HandoffStatus.DECLINED, HandoffStatus.RETURNED])
_ADD = insert(CALLBACKS)
_URL = select(AGENTS.c.callback_url).where(
    AGENTS.c.tenant_id == bindparam("tenant"),
    AGENTS.c.agent_id == bindparam("agent"),
    AGENTS.c.standing != AgentStanding.REVOKED.value,
)


class _NewCallback(NamedTuple):
    """A callback to write."""

    agent_id: str
    event_type: str
    data: Document


def write_thread_callbacks(connection: Connection, roster: Roster, result: ThreadTransition) -> None:
    """Call this after the packages and texts were written, because the documents contain them."""
    for number, callback in enumerate((*_of_thread(connection, roster, result), *_of_handoffs(connection, result))):
        key = {"tenant": result.after.tenant_id, "agent": callback.agent_id}
        if url := connection.execute(_URL, key).scalar_one_or_none():
            connection.execute(_ADD, _callback(connection, result, callback, number) | {"url": url})


def _of_thread(connection: Connection, roster: Roster, result: ThreadTransition) -> Iterator[_NewCallback]:
    after = result.after
    if result.event_type in _REPORTED:
        names = agent_names(connection, after.tenant_id) if after.handoffs else {}
        data = thread_document(after, own_packages(connection, after), result.words, roster, names)
        yield _NewCallback(after.owner_agent, result.event_type.value, data)


def _of_handoffs(connection: Connection, result: ThreadTransition) -> Iterator[_NewCallback]:
    after = result.after
    before = {handoff.handoff_id: handoff.status for handoff in result.before.handoffs}
    for handoff in after.handoffs:
        if before.get(handoff.handoff_id) is handoff.status:
            continue
        texts = load_words(connection, after.tenant_id, *handoff.event_ids)
        data = handoff_document(after.thread_id, handoff, texts, agent_names(connection, after.tenant_id))
        for agent_id in _receivers(handoff):
            yield _NewCallback(agent_id, f"handoff.{handoff.status.value}", data)


def _receivers(handoff: Handoff) -> tuple[str, ...]:
    if handoff.status is HandoffStatus.OFFERED:
        return (handoff.to_agent,)
    return (handoff.from_agent,) if handoff.status in _TO_GIVER else (handoff.from_agent, handoff.to_agent)


def _callback(connection: Connection, result: ThreadTransition, callback: _NewCallback, number: int) -> dict[str, Any]:
    after, now = result.after, datetime.now(UTC)  # real time, as for packages
    is_first = not has_undelivered(connection, after.tenant_id, after.thread_key, callback.agent_id)
    body = {"type": callback.event_type, "timestamp": rfc3339(result.at), "data": callback.data}
    return {
        "tenant_id": after.tenant_id,
        "callback_id": "msg_" + result.event_id.removeprefix("evt_") + (f"{number:02d}" if number else ""),
        "package_id": after.thread_key,
        "agent_id": callback.agent_id,
        "revision": after.revision,
        "event_type": callback.event_type,
        "body": json.dumps(body),
        "state": (CallbackState.DUE if is_first else CallbackState.WAITING).value,
        "attempts": 0,
        "due_at": now,
        "created_at": now,
        "kind": PostKind.CALLBACK.value,
        "unanswered": 0,
        "text_put_off": False,
        "words_refused": False,
    }
