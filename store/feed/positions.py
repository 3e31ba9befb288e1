"""Claims chains whose events are due, and records how far they were sent.

The tenant's chain comes first, because freezes, keys and policies are there. Then claims alternate between live chains
and chains that an operator sends again, so that a replay of a year does not delay what happens now.

A claim is a lease: if a process dies, the claim expires, and another process sends the same events with the same ids.
A process whose claim has expired records nothing. Each sends an event only after the one before it was taken, so the
first copies arrive in order whoever sends them.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Connection,
    LargeBinary,
    ScalarSelect,
    bindparam,
    case,
    false,
    func,
    insert,
    null,
    select,
    update,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from rules.record.cloud_event import StoredEvent
from rules.record.evidence import TENANT
from store.feed.chains import MOMENT, POSITIONS, FeedKey
from store.feed.lanes import LONGEST_WAIT
from store.installation.tenancy import EVENTS as TENANT_EVENTS
from store.packages.events import EVENTS
from store.schema.feed_tables import FeedLoss
from store.schema.tables import core

LOSSES = core(FeedLoss)


class _Bytes(FunctionElement[bytes]):
    """The bytes of a text column. SQLite can store bytes there that are no text, and fails to return them as text."""

    type = LargeBinary()
    inherit_cache = True


@compiles(_Bytes, "sqlite")
def _write_for_sqlite(element: _Bytes, compiler: Any, **options: Any) -> str:
    return f"CAST({compiler.process(element.clauses, **options)} AS BLOB)"


@compiles(_Bytes, "postgresql")
def _write_for_postgresql(element: _Bytes, compiler: Any, **options: Any) -> str:
    return f"convert_to({compiler.process(element.clauses, **options)}, 'UTF8')"


_CLAIMED_COLUMNS = ("chain_id", "sent", "wanted", "attempts", "failed_at", "due_at", "replayed")
OF_FEED = (POSITIONS.c.tenant_id == bindparam("tenant"), POSITIONS.c.feed == bindparam("feed_name"))
_NOW = bindparam("now", type_=MOMENT)
_IS_DUE = (*OF_FEED, POSITIONS.c.due_at.is_not(None), POSITIONS.c.due_at <= _NOW)
_EITHER = POSITIONS.c.replayed.in_([False, True])  # without it, the index that begins with this column is not used
_DUE = select(POSITIONS.c.chain_id).where(*_IS_DUE, _EITHER).limit(bindparam("limit"))


def _first_due(which: ColumnElement[bool], *order: ColumnElement[Any]) -> ScalarSelect[str]:
    due = select(POSITIONS.c.chain_id).where(*_IS_DUE, which).order_by(*order).limit(1)
    return due.with_for_update(skip_locked=True).scalar_subquery()


_ORDER = (POSITIONS.c.due_at, POSITIONS.c.chain_id)
# Compared with `=`, because PostgreSQL may run a subquery after IN several times, each time for another row.
_CLAIM = (
    update(POSITIONS)
    .where(
        *OF_FEED,
        POSITIONS.c.chain_id
        == func.coalesce(
            _first_due(POSITIONS.c.chain_id == TENANT),
            _first_due(POSITIONS.c.replayed == bindparam("turn", type_=Boolean), *_ORDER),
            _first_due(POSITIONS.c.replayed == bindparam("other", type_=Boolean), *_ORDER),
        ),
    )
    .values(due_at=bindparam("lease", type_=MOMENT))
    .returning(*(POSITIONS.c[name] for name in _CLAIMED_COLUMNS))
)
_IS_FAR = (*OF_FEED, POSITIONS.c.due_at.is_not(None), POSITIONS.c.due_at > bindparam("wrong", type_=MOMENT), _EITHER)
_ANY_FAR = select(POSITIONS.c.chain_id).where(*_IS_FAR).limit(1)
_BRING_BACK = update(POSITIONS).where(*_IS_FAR).values(due_at=_NOW)
_CLAIMED = (
    *OF_FEED,
    POSITIONS.c.chain_id == bindparam("chain"),
    POSITIONS.c.due_at == bindparam("lease", type_=MOMENT),
)
_OLDEST_AT = bindparam("oldest_at", type_=MOMENT)
_ALL_SENT = POSITIONS.c.wanted <= bindparam("upto")
_RECORD = (
    update(POSITIONS)
    .where(*_CLAIMED)
    .values(
        sent=bindparam("upto"),
        due_at=case((_ALL_SENT, null()), else_=bindparam("later", type_=MOMENT)),
        replayed=case((_ALL_SENT, false()), else_=POSITIONS.c.replayed),
        behind_since=case((_ALL_SENT, null()), else_=func.coalesce(_OLDEST_AT, POSITIONS.c.behind_since)),
        attempts=bindparam("tries"),
        failed_at=bindparam("failure", type_=MOMENT),
        error=bindparam("fault"),
    )
)
_LOSE = insert(LOSSES)
_FIRST_EVENTS = (
    select(EVENTS.c.revision, _Bytes(EVENTS.c.body).label("body"), EVENTS.c.occurred_at)
    .where(
        EVENTS.c.tenant_id == bindparam("tenant"),
        EVENTS.c.package_id == bindparam("chain"),
        EVENTS.c.revision > bindparam("sent"),
    )
    .order_by(EVENTS.c.revision)
    .limit(bindparam("limit"))
)
_FIRST_TENANT_EVENTS = (
    select(
        TENANT_EVENTS.c.sequence.label("revision"),
        _Bytes(TENANT_EVENTS.c.body).label("body"),
        TENANT_EVENTS.c.occurred_at,
    )
    .where(TENANT_EVENTS.c.tenant_id == bindparam("tenant"), TENANT_EVENTS.c.sequence > bindparam("sent"))
    .order_by(TENANT_EVENTS.c.sequence)
    .limit(bindparam("limit"))
)


class ClaimedChain(NamedTuple):
    """A chain claimed until `lease`, and what is known of its first event that was not sent.

    `replayed`: the chain is sent again.
    """

    chain_id: str
    sent: int
    wanted: int
    attempts: int
    failed_at: datetime | None
    lease: datetime
    replayed: bool = False


class DueEvent(NamedTuple):
    stored: StoredEvent
    occurred_at: datetime


class Progress(NamedTuple):
    """How far the chain was sent, when its next event occurred, and when that is due, if there is one.

    `attempts`, `failed_at` and `error` are those of the next event.
    """

    sent: int
    oldest_at: datetime | None
    due_at: datetime
    attempts: int = 0
    failed_at: datetime | None = None
    error: str | None = None

    @property
    def values(self) -> dict[str, Any]:
        names = ("upto", "oldest_at", "later", "tries", "failure", "fault")
        return dict(zip(names, self, strict=True))


def count_due_chains(connection: Connection, key: FeedKey, now: datetime, limit: int) -> int:
    return len(connection.execute(_DUE, _key(key) | {"now": now, "limit": limit}).all())


def claim_chain(
    connection: Connection, key: FeedKey, now: datetime, until: datetime, *, replayed: bool = False
) -> ClaimedChain | None:
    """Claim a chain until `until`, unless other processes have claimed all that are due.

    `replayed`: it is the turn of a chain that is sent again.
    """
    values = {"now": now, "lease": until, "turn": replayed, "other": not replayed}
    row = connection.execute(_CLAIM, _key(key) | values).first()
    return ClaimedChain(*row) if row else None


def is_any_far(connection: Connection, key: FeedKey, now: datetime) -> bool:
    """Whether a chain is due so late that only a clock that was wrong can have said so."""
    return connection.execute(_ANY_FAR, _key(key) | {"wrong": now + LONGEST_WAIT}).first() is not None


def bring_back_far(connection: Connection, key: FeedKey, now: datetime) -> None:
    """Make the chains due now that only a wrong clock can have put off so far."""
    connection.execute(_BRING_BACK, _key(key) | {"now": now, "wrong": now + LONGEST_WAIT})


def load_due_events(connection: Connection, key: FeedKey, claim: ClaimedChain, limit: int) -> list[DueEvent]:
    """The first events that were not sent. They are all committed, because a chain has no gaps."""
    values = {"tenant": key.tenant_id, "sent": claim.sent, "limit": limit}
    if claim.chain_id == TENANT:
        rows = connection.execute(_FIRST_TENANT_EVENTS, values)
    else:
        rows = connection.execute(_FIRST_EVENTS, values | {"chain": claim.chain_id})
    return [
        DueEvent(StoredEvent(key.tenant_id, claim.chain_id, row.revision, _text(row.body)), row.occurred_at)
        for row in rows
    ]


def _text(body: bytes | None) -> str:
    """What is no text does not stop its chain: it is sent as unreadable."""
    return (body or b"").decode(errors="backslashreplace")


def record_progress(connection: Connection, key: FeedKey, claim: ClaimedChain, progress: Progress) -> bool:
    """False if the claim has expired: then another process sends these events again."""
    return connection.execute(_RECORD, _claimed(key, claim) | progress.values).rowcount == 1


def give_up_event(
    connection: Connection, key: FeedKey, claim: ClaimedChain, progress: Progress, *, error: str, now: datetime
) -> None:
    """Record the progress, and its last event as lost, because the receiver refuses it."""
    if record_progress(connection, key, claim, progress):
        row = {
            "tenant_id": key.tenant_id,
            "feed": key.feed.value,
            "chain_id": claim.chain_id,
            "revision": progress.sent,
        }
        connection.execute(_LOSE, row | {"error": error, "given_up_at": now})


def _claimed(key: FeedKey, claim: ClaimedChain) -> dict[str, Any]:
    return _key(key) | {"chain": claim.chain_id, "lease": claim.lease}


def _key(key: FeedKey) -> dict[str, Any]:
    return {"tenant": key.tenant_id, "feed_name": key.feed.value}
