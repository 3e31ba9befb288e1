"""Opens mails: one for each person and lane with something to tell. A database never has two open ones of one lane.

Takeovers have a lane of their own, and nothing in one lane delays the other. What is newly to be told starts the
attempts of an open mail anew.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, bindparam, case, func, or_, select, text, update

from rules.mail.reasons import MailReason
from store.mail.needs import MOMENT, NEEDS
from store.outbox.callbacks import CALLBACKS, TAKEOVER_MAIL, CallbackState
from store.schema.outbox_tables import A_MAIL, OPEN_MAIL

HOUR = timedelta(hours=1)
LONGEST_CLAIM = timedelta(minutes=1)  # what is due later is not claimed, but waits for its next attempt


class MailLane(StrEnum):
    """Stored as the event type of the mail."""

    TAKEOVER = TAKEOVER_MAIL
    OTHER = "mail"


LANE = case((NEEDS.c.reason == MailReason.TAKEOVER.value, MailLane.TAKEOVER.value), else_=MailLane.OTHER.value).label(
    "lane"
)
_SAME_LANE = (
    CALLBACKS.c.tenant_id == NEEDS.c.tenant_id,
    CALLBACKS.c.agent_id == NEEDS.c.user_id,
    CALLBACKS.c.event_type == LANE,
)
_OPEN = select(CALLBACKS.c.callback_id).where(*_SAME_LANE, text(OPEN_MAIL))
_OF_LAST_HOUR = (
    select(func.count())
    .select_from(CALLBACKS)
    .where(
        *_SAME_LANE,
        CALLBACKS.c.created_at > bindparam("since", type_=MOMENT),
        CALLBACKS.c.state != CallbackState.DROPPED.value,
        text(A_MAIL),
    )
    .scalar_subquery()
)
_RIPE = (
    NEEDS.c.tenant_id == bindparam("tenant"),
    text("mail_needs.state = 'due'"),
    NEEDS.c.due_at <= bindparam("now", type_=MOMENT),
)
_READY = (
    select(NEEDS.c.user_id, LANE)
    .distinct()
    .where(
        *_RIPE,
        ~_OPEN.exists(),
        or_(NEEDS.c.reason == MailReason.TAKEOVER.value, bindparam("per_hour") > _OF_LAST_HOUR),
    )
)
_HELD_UP = (
    CALLBACKS.c.tenant_id == bindparam("tenant"),
    text(OPEN_MAIL),
    CALLBACKS.c.due_at > bindparam("claimed", type_=MOMENT),
    # By its creation: what the last attempt put off is due later than that attempt, and is nothing new.
    select(NEEDS.c.user_id).where(*_SAME_LANE, *_RIPE, NEEDS.c.created_at > CALLBACKS.c.tried_at).exists(),
)
_OPENED = text(
    "INSERT INTO callbacks (tenant_id, callback_id, package_id, agent_id, revision, event_type, url, body, state,"
    " attempts, due_at, created_at, kind) VALUES (:tenant, :mail, 'mail', :user, 0, :lane, :whom, '', 'due',"
    " 0, :now, :now, 'mail') ON CONFLICT DO NOTHING"
).bindparams(bindparam("now", type_=MOMENT))


def has_mails_to_open(connection: Connection, tenant_id: str, now: datetime, per_hour: int) -> bool:
    """Whether someone must be told of something that no open mail will tell soon."""
    key = _opening_key(tenant_id, now, per_hour)
    held_up = select(CALLBACKS.c.callback_id).where(*_HELD_UP)
    return any(connection.execute(query.limit(1), key).first() for query in (_READY, held_up))


def open_mails(connection: Connection, tenant_id: str, now: datetime, per_hour: int, new_id: Callable[[], str]) -> None:
    """Open a mail for each person and lane with something to tell and no open mail; `per_hour` limits no takeovers.

    An open mail that waits for its next attempt is due at once if there is something new to tell.
    """
    key = _opening_key(tenant_id, now, per_hour)
    again = {"due_at": bindparam("now", type_=MOMENT), "attempts": 0}
    connection.execute(update(CALLBACKS).where(*_HELD_UP).values(**again), key)
    rows = [
        {"tenant": tenant_id, "mail": f"mail_{new_id()}", "user": row.user_id, "whom": f"mail to {row.user_id}"}
        | {"lane": row.lane, "now": now}
        for row in sorted(connection.execute(_READY, key))  # in one order, so that no two processes block each other
    ]
    if rows:
        connection.execute(_OPENED, rows)


def _opening_key(tenant_id: str, now: datetime, per_hour: int) -> dict[str, Any]:
    limits = {"since": now - HOUR, "per_hour": per_hour, "claimed": now + LONGEST_CLAIM}
    return {"tenant": tenant_id, "now": now} | limits
