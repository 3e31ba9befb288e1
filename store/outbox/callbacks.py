"""Callbacks to send: written with the change that they tell of, sent by the courier, in order for each package."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select

from rules.record.chain import Event
from rules.state.events import EventType
from rules.state.model import PackageState, Status
from rules.state.situation import Situation
from rules.state.transition import Transition
from store.engine.batch import Batch
from store.packages.documents import build_documents
from store.schema.outbox_tables import Callback
from store.schema.tables import core

CALLBACKS = core(Callback)

CALLBACK_EVENTS = frozenset([EventType.of("package", status) for status in Status] + [EventType.PACKAGE_ESCALATED])


class CallbackState(StrEnum):
    """Of one package at most one is due. It becomes delivered or dead, and then the next that waits becomes due."""

    WAITING = "waiting"
    DUE = "due"
    DELIVERED = "delivered"
    DEAD = "dead"


OF_PACKAGE = (CALLBACKS.c.tenant_id == bindparam("tenant"), CALLBACKS.c.package_id == bindparam("package"))
IS_DUE = CALLBACKS.c.state == CallbackState.DUE.value
_ADD = insert(CALLBACKS)
# Those that wait are held too: while this one waits for the lock, what was due may end, and the next of them be due.
_UNDONE = (
    select(CALLBACKS.c.callback_id)
    .where(*OF_PACKAGE, CALLBACKS.c.state.in_([CallbackState.DUE.value, CallbackState.WAITING.value]))
    .order_by(CALLBACKS.c.revision)
    .with_for_update()
)


def write_callbacks(
    batch: Batch, decided: Transition, events: list[Event], url: str | None, situation: Situation
) -> None:
    told = [event for event in events if event["event_type"] in CALLBACK_EVENTS]
    if url is None or not told:
        return
    after = decided.after
    is_first = decided.before is None or not has_undelivered(
        batch.connection, after.tenant_id, after.decision_package_id
    )
    [data] = build_documents(batch.connection, [after], situation.roster, situation.now, decided.words)
    states = [CallbackState.DUE if is_first else CallbackState.WAITING] + [CallbackState.WAITING] * (len(told) - 1)
    rows = [_row(after, event, url, data) | {"state": its.value} for event, its in zip(told, states, strict=True)]
    batch.execute(_ADD, rows)


def has_undelivered(connection: Connection, tenant_id: str, package_id: str) -> bool:
    """Whether another of this package goes first. Held until the commit, or it could be over before this one waits."""
    return connection.execute(_UNDONE, {"tenant": tenant_id, "package": package_id}).first() is not None


def _row(state: PackageState, event: Event, url: str, data: dict[str, Any]) -> dict[str, Any]:
    body = {"type": event["event_type"], "timestamp": event["occurred_at"], "data": data}
    now = datetime.now(UTC)  # of the transport: a business clock that was moved on would keep it from being sent
    return {
        "tenant_id": state.tenant_id,
        "callback_id": "msg_" + event["event_id"].removeprefix("evt_"),
        "package_id": state.decision_package_id,
        "agent_id": state.agent_id,
        "revision": event["revision"],
        "event_type": event["event_type"],
        "url": url,
        "body": json.dumps(body),
        "attempts": 0,
        "due_at": now,
        "created_at": now,
    }
