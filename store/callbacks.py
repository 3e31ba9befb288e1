"""Callbacks to send: written with the change that they tell of, sent by the courier, in order for each package."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import insert

from rules.chain import Event
from rules.situation import Situation
from rules.state import PackageState, Status
from rules.transition import Transition
from store.batch import Batch
from store.documents import documents
from store.outbox_tables import Callback
from store.tables import core

CALLBACKS = core(Callback)

TOLD = frozenset([f"package.{status}" for status in Status] + ["package.escalated"])
_ADD = insert(CALLBACKS)


def follow(batch: Batch, decided: Transition, events: list[Event], url: str | None, situation: Situation) -> None:
    told = [event for event in events if event["event_type"] in TOLD]
    if url is None or not told:
        return
    [data] = documents(batch.connection, [decided.after], situation.roster, situation.now, decided.words)
    batch.execute(_ADD, [_row(decided.after, event, url, data) for event in told])


def _row(state: PackageState, event: Event, url: str, data: dict[str, Any]) -> dict[str, Any]:
    body = {"type": event["event_type"], "timestamp": event["occurred_at"], "data": data}
    return {
        "tenant_id": state.tenant_id,
        "callback_id": "msg_" + event["event_id"].removeprefix("evt_"),
        "package_id": state.decision_package_id,
        "agent_id": state.agent_id,
        "revision": event["revision"],
        "event_type": event["event_type"],
        "url": url,
        "body": json.dumps(body),
        "state": "due",
        "attempts": 0,
        "due_at": state.updated_at,
        "created_at": state.updated_at,
    }
