"""Writes callbacks in the transaction of the change that they report. They are sent in order for each package.

Each carries the package's document as it was after the change. Only one callback of a package to an agent is due at a
time; `store.outbox.deliveries` makes the next one due when it ends.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select

from rules.record.chain import Event
from rules.state.events import EventType
from rules.state.model import PackageState, Status
from rules.state.situation import Situation
from rules.state.transition import Transition
from rules.string_enum import StringEnum
from store.engine.batch import Batch
from store.packages.documents import build_documents
from store.schema.outbox_tables import Callback
from store.schema.tables import core

CALLBACKS = core(Callback)

RECOVERY_EVENTS = (
    EventType.PACKAGE_RETRY_ALLOWED,
    EventType.PACKAGE_RETRY_EXPIRED,
    EventType.PACKAGE_ROLLBACK_REQUESTED,
    EventType.PACKAGE_CLOSED,
)
CALLBACK_EVENTS = frozenset(
    [
        *(EventType.of("package", status) for status in Status),
        EventType.PACKAGE_ESCALATED,
        EventType.PACKAGE_MESSAGE,
        EventType.PACKAGE_HELD,
        EventType.PACKAGE_RESUMED,
        *RECOVERY_EVENTS,
    ]
)


class PostKind(StringEnum):
    """How it is sent: as a callback to an agent, or as a mail to a person."""

    CALLBACK = "callback"
    MAIL = "mail"


class Urgency(StringEnum):
    """In which order things are sent, the most urgent first. Each has room of its own."""

    TAKEOVER = "takeover"
    MAIL = "mail"
    CALLBACK = "callback"


TAKEOVER_MAIL = "mail.takeover"  # the event type of mails about takeovers


class CallbackState(StringEnum):
    """At most one callback of a package to an agent is due. When it is no longer, the next one is."""

    WAITING = "waiting"
    DUE = "due"
    DELIVERED = "delivered"
    DEAD = "dead"
    DROPPED = "dropped"  # no longer to be sent, such as a mail about what was decided meanwhile


# Callbacks are sent in order for each package and agent: a package can be handed over, and no agent waits for another.
IN_ORDER = (
    CALLBACKS.c.tenant_id == bindparam("tenant"),
    CALLBACKS.c.package_id == bindparam("package"),
    CALLBACKS.c.agent_id == bindparam("agent"),
)
IS_DUE = CALLBACKS.c.state == CallbackState.DUE.value
_ADD = insert(CALLBACKS)
# Locks waiting ones too: while this waits for the lock, the due one may end and the next one become due.
_UNDONE = (
    select(CALLBACKS.c.callback_id)
    .where(*IN_ORDER, CALLBACKS.c.state.in_([CallbackState.DUE.value, CallbackState.WAITING.value]))
    .order_by(CALLBACKS.c.revision)
    .with_for_update()
)


def write_callbacks(
    batch: Batch, transition: Transition, events: list[Event], url: str | None, situation: Situation
) -> None:
    """Queue a callback for each event that agents hear of, with the document as it is after the command."""
    reported = [event for event in events if event["event_type"] in CALLBACK_EVENTS]
    if url is None or not reported:
        return
    after = transition.after
    if after.message_count:
        batch.send()  # the document is made of events, too, and one of them may be new
    is_first = transition.before is None or not has_undelivered(
        batch.connection, after.tenant_id, after.decision_package_id, after.agent_id
    )
    [data] = build_documents(batch.connection, [after], situation.roster, situation.now, transition.words)
    states = [CallbackState.DUE if is_first else CallbackState.WAITING] + [CallbackState.WAITING] * (len(reported) - 1)
    rows = [
        _row(after, event, url, data) | {"state": state.value} for event, state in zip(reported, states, strict=True)
    ]
    batch.execute(_ADD, rows)


def has_undelivered(connection: Connection, tenant_id: str, package_id: str, agent_id: str) -> bool:
    """Whether earlier callbacks must be sent first. Locks them until the commit, or the last could end meanwhile."""
    key = {"tenant": tenant_id, "package": package_id, "agent": agent_id}
    return connection.execute(_UNDONE, key).first() is not None


def _row(state: PackageState, event: Event, url: str, data: dict[str, Any]) -> dict[str, Any]:
    body = {"type": event["event_type"], "timestamp": event["occurred_at"], "data": data}
    now = datetime.now(UTC)  # real time: an advanced business clock would delay the callback
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
        "kind": PostKind.CALLBACK.value,
        "unanswered": 0,
        "text_put_off": False,
        "words_refused": False,
    }
