"""Opens mails: one for each person and lane with something to tell. A person never has two open mails in one lane.

There is a lane for takeovers and one for everything else, and neither delays the other. A new need makes the attempts
of an open mail begin again.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, and_, bindparam, case, func, or_, select, text, update

from rules.authority.mailing import TOO_LATE
from rules.mail.reasons import MailReason
from rules.string_enum import StringEnum
from store.mail.needs import MOMENT, NEEDS, NeedState
from store.outbox.callbacks import CALLBACKS, TAKEOVER_MAIL, CallbackState
from store.outbox.deliveries import ClaimedCallback
from store.schema.outbox_tables import A_MAIL, OPEN_MAIL

TOLD_WITHIN = timedelta(days=3)  # later, a need is dropped, unless a mail in its lane was tried already
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
MANY_TAKEOVERS = 20  # mails about takeovers to one person within an hour; after them, one mail a minute
LONGEST_CLAIM = timedelta(minutes=1)  # a mail that is due later is not claimed, but waits for its next attempt


class MailLane(StringEnum):
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
_RIPE = (
    NEEDS.c.tenant_id == bindparam("tenant"),
    text("mail_needs.state = 'due'"),
    NEEDS.c.due_at <= bindparam("now", type_=MOMENT),
)
# Few rows, however many needs there are: the queries below run for each person and lane, not for each need.
_RIPE_LANES = select(NEEDS.c.tenant_id, NEEDS.c.user_id, LANE).distinct().where(*_RIPE).subquery("ripe")
_OF_RIPE_LANE = (
    CALLBACKS.c.tenant_id == _RIPE_LANES.c.tenant_id,
    CALLBACKS.c.agent_id == _RIPE_LANES.c.user_id,
    CALLBACKS.c.event_type == _RIPE_LANES.c.lane,
)
_OPEN = select(CALLBACKS.c.callback_id).where(*_OF_RIPE_LANE, text(OPEN_MAIL))
_SINCE = CALLBACKS.c.created_at > bindparam("since", type_=MOMENT)
_COUNT = (text(A_MAIL), CALLBACKS.c.state != CallbackState.DROPPED.value)
_OF_LAST_HOUR = select(func.count()).select_from(CALLBACKS).where(*_OF_RIPE_LANE, _SINCE, *_COUNT).scalar_subquery()
_OF_LAST_MINUTE = select(CALLBACKS.c.callback_id).where(
    *_OF_RIPE_LANE, CALLBACKS.c.created_at > bindparam("minute", type_=MOMENT), *_COUNT
)
_IS_TAKEOVER = _RIPE_LANES.c.lane == MailLane.TAKEOVER.value
# A flood of takeovers, by an agent in a loop for example, must not drown each of them in mails.
_HAS_ROOM = or_(
    and_(_IS_TAKEOVER, or_(_OF_LAST_HOUR < MANY_TAKEOVERS, ~_OF_LAST_MINUTE.exists())),
    and_(~_IS_TAKEOVER, bindparam("per_hour") > _OF_LAST_HOUR),
)
_READY = select(_RIPE_LANES.c.user_id, _RIPE_LANES.c.lane).where(~_OPEN.exists(), _HAS_ROOM)
_HELD_UP = (
    CALLBACKS.c.tenant_id == bindparam("tenant"),
    text(OPEN_MAIL),
    CALLBACKS.c.due_at > bindparam("claimed", type_=MOMENT),
    # By its creation: what the last attempt put off is due later than that attempt, and is nothing new.
    select(NEEDS.c.user_id).where(*_SAME_LANE, *_RIPE, NEEDS.c.created_at > CALLBACKS.c.tried_at).exists(),
)
# A mail that was tried will tell the need or be given up with it.
_IS_TRIED = select(CALLBACKS.c.callback_id).where(*_SAME_LANE, text(OPEN_MAIL), CALLBACKS.c.attempts > 0)
_END_LATE = (
    update(NEEDS)
    .where(
        NEEDS.c.tenant_id == bindparam("tenant"),
        text("mail_needs.state = 'due'"),
        NEEDS.c.created_at < bindparam("oldest", type_=MOMENT),
        ~_IS_TRIED.exists(),
    )
    .values(state=NeedState.DROPPED.value, dropped=TOO_LATE)
)
_OPENED = text(
    "INSERT INTO callbacks (tenant_id, callback_id, package_id, agent_id, revision, event_type, url, body, state,"
    " attempts, due_at, created_at, kind) VALUES (:tenant, :mail, 'mail', :user, 0, :lane, :whom, '', 'due',"
    " 0, :now, :now, 'mail') ON CONFLICT DO NOTHING"
).bindparams(bindparam("now", type_=MOMENT))

_OF_MAIL = (
    CALLBACKS.c.tenant_id == bindparam("tenant"),
    CALLBACKS.c.agent_id == bindparam("user"),
    CALLBACKS.c.event_type == bindparam("lane"),
)
_CREATED = select(CALLBACKS.c.created_at).where(*_OF_MAIL, CALLBACKS.c.callback_id == bindparam("mail"))
_BEFORE = (
    select(func.count())
    .select_from(CALLBACKS)
    .where(*_OF_MAIL, _SINCE, CALLBACKS.c.callback_id != bindparam("mail"), *_COUNT)
)


def has_mails_to_open(connection: Connection, tenant_id: str, now: datetime, per_hour: int) -> bool:
    """Whether someone must be told of something that no open mail will tell soon."""
    key = _opening_key(tenant_id, now, per_hour)
    held_up = select(CALLBACKS.c.callback_id).where(*_HELD_UP)
    return any(connection.execute(query.limit(1), key).first() for query in (_READY, held_up))


def open_mails(connection: Connection, tenant_id: str, now: datetime, per_hour: int, new_id: Callable[[], str]) -> None:
    """Open a mail for each person and lane with something to tell and no open mail.

    `per_hour` limits no takeovers: of these, a person who has had many within the hour gets one mail a minute.
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
    limits = {"since": now - HOUR, "minute": now - MINUTE, "per_hour": per_hour, "claimed": now + LONGEST_CLAIM}
    return {"tenant": tenant_id, "now": now} | limits


def end_late_needs(connection: Connection, tenant_id: str, now: datetime) -> int:
    """Drop needs that no mail has told in time, unless their mail was tried. Returns their number."""
    return connection.execute(_END_LATE, {"tenant": tenant_id, "oldest": now - TOLD_WITHIN}).rowcount


def comes_after_many(connection: Connection, mail: ClaimedCallback) -> bool:
    """Whether the person has had so many mails about takeovers that this one must tell all that wait."""
    key = {"tenant": mail.tenant_id, "user": mail.agent_id, "lane": mail.event_type, "mail": mail.callback_id}
    created = connection.execute(_CREATED, key).scalar_one()
    return connection.execute(_BEFORE, key | {"since": created - HOUR}).scalar_one() >= MANY_TAKEOVERS
