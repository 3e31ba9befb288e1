"""Messages of a package: events of one type, found by indexes that hold no other events.

A package can have thousands of messages, so nothing here reads them all: the newest `SHOWN`, or a page after a
revision. `MAX_IN_ALL` and the limit per minute are counted from the same index.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, select, text

from rules.authority.key_limits import PERIOD
from rules.record.status_document import Message
from rules.state.agent_commands import Say
from rules.state.situation import Conversation
from rules.state.transition import Words
from rules.verbs.tasks import MAX_IN_ALL
from store.engine.statements import fetch_all
from store.packages.content import load_words
from store.packages.events import EVENTS
from store.schema.tables import IS_MESSAGE

SHOWN = 50  # in the status document and in Details

_FIRST = 0  # a revision before every message
_OF_PACKAGE = (
    EVENTS.c.tenant_id == bindparam("tenant"),
    EVENTS.c.package_id == bindparam("package"),
    text(IS_MESSAGE),
)
_MESSAGES = select(EVENTS.c.revision, EVENTS.c.event_id, EVENTS.c.actor, EVENTS.c.occurred_at, EVENTS.c.body)
_NEWEST = _MESSAGES.where(*_OF_PACKAGE).order_by(EVENTS.c.revision.desc()).limit(SHOWN)
_AFTER = (
    _MESSAGES.where(*_OF_PACKAGE, EVENTS.c.revision > bindparam("after"))
    .order_by(EVENTS.c.revision)
    .limit(bindparam("limit"))
)
_BEFORE_THE_SHOWN = (
    select(EVENTS.c.revision).where(*_OF_PACKAGE).order_by(EVENTS.c.revision.desc()).offset(SHOWN).limit(1)
)
_ONE = select(EVENTS.c.event_id).where(*_OF_PACKAGE, EVENTS.c.event_id == bindparam("message"))
_RECENT = (
    select(EVENTS.c.package_id, EVENTS.c.occurred_at)
    .where(
        EVENTS.c.tenant_id == bindparam("tenant"),
        EVENTS.c.actor == bindparam("agent"),
        EVENTS.c.occurred_at > bindparam("since", type_=EVENTS.c.occurred_at.type),
        text(IS_MESSAGE),
    )
    .order_by(EVENTS.c.occurred_at.desc())
    .limit(MAX_IN_ALL)
)


class MessagePage(NamedTuple):
    """Messages, the oldest first, and the revision after which the next page begins, if there is one."""

    messages: list[Message]
    following: int | None


def newest_messages(
    connection: Connection, tenant_id: str, package_id: str, known: Mapping[str, Words] | None = None
) -> list[Message]:
    """The last messages, the oldest first. `known` is content that need not be loaded."""
    rows = fetch_all(connection, _NEWEST, {"tenant": tenant_id, "package": package_id})
    return _read(connection, tenant_id, rows[::-1], known or {})


def list_messages(
    connection: Connection, tenant_id: str, package_id: str, *, limit: int, after: int | None = None
) -> MessagePage:
    """A page of a package's messages, oldest first."""
    key = {"tenant": tenant_id, "package": package_id, "after": _FIRST if after is None else after, "limit": limit + 1}
    rows = fetch_all(connection, _AFTER, key)
    page = _read(connection, tenant_id, rows[:limit], {})
    return MessagePage(page, rows[limit - 1].revision if len(rows) > limit else None)


def _read(connection: Connection, tenant_id: str, rows: Sequence[Any], known: Mapping[str, Words]) -> list[Message]:
    missing = [row.event_id for row in rows if row.event_id not in known]
    words = {**known, **load_words(connection, tenant_id, *missing)}
    return [_message(row, words.get(row.event_id, {})) for row in rows]


def _message(row: Any, words: Words) -> Message:
    sent, replied = words.get("text"), words.get("in_reply_to")
    return Message(
        message_id=row.event_id,
        actor=row.actor,
        at=row.occurred_at,
        version=json.loads(row.body)["package_version"],
        text=sent if isinstance(sent, str) else None,
        in_reply_to=replied if isinstance(replied, str) else None,
    )


def revision_before_shown(connection: Connection, tenant_id: str, package_id: str) -> int:
    """The revision of the last message that is too old to be shown; 0 if all are shown."""
    rows = fetch_all(connection, _BEFORE_THE_SHOWN, {"tenant": tenant_id, "package": package_id})
    return rows[0].revision if rows else _FIRST


def load_conversation(
    connection: Connection, tenant_id: str, agent_id: str, command: Say, now: datetime
) -> Conversation:
    """What the agent said within the last minute, and whether the message to which it replies exists."""
    recent = fetch_all(connection, _RECENT, {"tenant": tenant_id, "agent": agent_id, "since": now - PERIOD})[::-1]
    package_id = command.decision_package_id
    return Conversation(
        everywhere=tuple(row.occurred_at for row in recent),
        here=tuple(row.occurred_at for row in recent if row.package_id == package_id),
        reply_target_exists=command.in_reply_to is not None
        and _is_message(connection, tenant_id, package_id, command.in_reply_to),
    )


def _is_message(connection: Connection, tenant_id: str, package_id: str, message_id: str) -> bool:
    return bool(fetch_all(connection, _ONE, {"tenant": tenant_id, "package": package_id, "message": message_id}))
