"""Retention: empties content, renderings and callback bodies. Ids, times and digests stay, so the chain stays valid.

Rows of content and renderings are emptied, never deleted, because the events hold their digests. A trigger in the
database forbids any other change of content. Delivered callbacks and old mail needs are deleted. Each call does a few.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, Table, bindparam, delete, or_, select, tuple_, update

from rules.state.model import Status
from rules.threads.model import ThreadStatus
from store.mail.needs import NEEDS, NeedState
from store.outbox.callbacks import CALLBACKS, CallbackState
from store.packages.content import CONTENT
from store.packages.exceptions import EXCEPTIONS
from store.packages.packages import PACKAGES, THREAD_RECORDS
from store.schema.outbox_tables import Rendering
from store.schema.tables import HandoffRow, core

RENDERINGS, HANDOFFS = core(Rendering), core(HandoffRow)

_ENDED = (
    select(PACKAGES.c.package_id)
    .where(
        PACKAGES.c.tenant_id == bindparam("tenant"),
        PACKAGES.c.updated_at < bindparam("before", type_=PACKAGES.c.updated_at.type),
        PACKAGES.c.status.in_([status.value for status in Status if status.terminal]),
        PACKAGES.c.held_by.is_(None),  # its approval can be used after the hold
        ~select(EXCEPTIONS.c.package_id)
        .where(
            EXCEPTIONS.c.tenant_id == PACKAGES.c.tenant_id,
            EXCEPTIONS.c.package_id == PACKAGES.c.package_id,
            EXCEPTIONS.c.holding,  # people read what it allows as long as it holds
        )
        .exists(),
        select(CONTENT.c.event_id)
        .where(
            CONTENT.c.tenant_id == PACKAGES.c.tenant_id,
            CONTENT.c.package_id == PACKAGES.c.package_id,
            CONTENT.c.words.is_not(None),
        )
        .exists(),
    )
    .limit(bindparam("limit"))
)
_QUIET_THREADS = (
    select(THREAD_RECORDS.c.thread_key)
    .where(
        THREAD_RECORDS.c.tenant_id == bindparam("tenant"),
        THREAD_RECORDS.c.updated_at < bindparam("before", type_=THREAD_RECORDS.c.updated_at.type),
        THREAD_RECORDS.c.status != ThreadStatus.HELD.value,
        ~select(HANDOFFS.c.handoff_id)
        .where(
            HANDOFFS.c.tenant_id == THREAD_RECORDS.c.tenant_id,
            HANDOFFS.c.thread_key == THREAD_RECORDS.c.thread_key,
            HANDOFFS.c.due_at.is_not(None),  # its texts are still needed
        )
        .exists(),
        select(CONTENT.c.event_id)
        .where(
            CONTENT.c.tenant_id == THREAD_RECORDS.c.tenant_id,
            CONTENT.c.package_id == THREAD_RECORDS.c.thread_key,
            CONTENT.c.words.is_not(None),
        )
        .exists(),
    )
    .limit(bindparam("limit"))
)
# A callback was due before it was delivered, so the index on due_at finds them.
_ARRIVED = (
    select(CALLBACKS.c.callback_id)
    .where(
        CALLBACKS.c.tenant_id == bindparam("tenant"),
        CALLBACKS.c.state.in_([CallbackState.DELIVERED.value, CallbackState.DROPPED.value]),
        CALLBACKS.c.due_at < bindparam("before", type_=CALLBACKS.c.due_at.type),
        or_(CALLBACKS.c.tried_at.is_(None), CALLBACKS.c.tried_at < bindparam("before", type_=CALLBACKS.c.due_at.type)),
    )
    .limit(bindparam("limit"))
)
_FORGET = delete(CALLBACKS).where(
    CALLBACKS.c.tenant_id == bindparam("tenant"), CALLBACKS.c.callback_id.in_(_ARRIVED.scalar_subquery())
)


# A need stays as long as its mail, because it says with which package's content the text of the mail is emptied.
_MAIL_OF_NEED = select(CALLBACKS.c.callback_id).where(
    CALLBACKS.c.tenant_id == NEEDS.c.tenant_id, CALLBACKS.c.callback_id == NEEDS.c.mail_id
)
_TOLD = (
    select(NEEDS.c.user_id, NEEDS.c.package_id, NEEDS.c.reason, NEEDS.c.occasion)
    .where(
        NEEDS.c.tenant_id == bindparam("tenant"),
        NEEDS.c.created_at < bindparam("before", type_=NEEDS.c.created_at.type),
        NEEDS.c.state.in_([NeedState.RECORDED.value, NeedState.DROPPED.value, NeedState.WRITTEN.value]),
        ~_MAIL_OF_NEED.exists(),
        ~select(PACKAGES.c.package_id)
        .where(
            PACKAGES.c.tenant_id == NEEDS.c.tenant_id,
            PACKAGES.c.package_id == NEEDS.c.package_id,
            PACKAGES.c.decided_at.is_(None),  # nobody is told of it twice
        )
        .exists(),
    )
    .limit(bindparam("limit"))
)


_EMPTIED: tuple[tuple[Table, dict[str, None]], ...] = (
    (CONTENT, {"words": None, "salt": None}),
    (RENDERINGS, {"body": None}),
    (CALLBACKS, {"body": None}),
)


def empty_content(connection: Connection, tenant_id: str, before: datetime, limit: int) -> int:
    """Empty packages that ended before this, and threads without news since, up to `limit` of each.

    Returns their number. Open and held packages, exceptions that hold and held threads are never emptied.
    """
    key = {"tenant": tenant_id, "before": before, "limit": limit}
    chains = [chain for query in (_ENDED, _QUIET_THREADS) for chain in connection.execute(query, key).scalars()]
    for table, emptied in _EMPTIED:
        of_these = (table.c.tenant_id == tenant_id, table.c.package_id.in_(chains))
        connection.execute(update(table).where(*of_these).values(**emptied))
    mails = select(NEEDS.c.mail_id).where(NEEDS.c.tenant_id == tenant_id, NEEDS.c.package_id.in_(chains))
    of_mails = (CALLBACKS.c.tenant_id == tenant_id, CALLBACKS.c.callback_id.in_(mails))
    connection.execute(update(CALLBACKS).where(*of_mails).values(body=None))
    return len(chains)


def delete_delivered_callbacks(connection: Connection, tenant_id: str, before: datetime, limit: int) -> int:
    """Delete up to `limit` callbacks delivered before this; return their number. Undelivered ones stay."""
    return connection.execute(_FORGET, {"tenant": tenant_id, "before": before, "limit": limit}).rowcount


def delete_old_tellings(connection: Connection, tenant_id: str, before: datetime, limit: int) -> int:
    """Delete up to `limit` mail needs from before this that have ended. The record has the events."""
    rows = connection.execute(_TOLD, {"tenant": tenant_id, "before": before, "limit": limit}).all()
    key = tuple_(NEEDS.c.user_id, NEEDS.c.package_id, NEEDS.c.reason, NEEDS.c.occasion)
    if rows:
        connection.execute(delete(NEEDS).where(NEEDS.c.tenant_id == tenant_id, key.in_([tuple(row) for row in rows])))
    return len(rows)
