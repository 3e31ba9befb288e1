"""The processes that receive clicks: each regularly records that it is alive and what it can prove.

A process that stopped cleanly is gone. Any other counts as present until its lease expires, because a process that
crashed or hangs may still be given clicks. While it is present without proof, silence counts nowhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, bindparam, delete, func, select, text, update

from rules.people.working_time import Span
from store.schema.installation_tables import Presence
from store.schema.tables import core

PRESENCES = core(Presence)
REMEMBERED = timedelta(hours=1)  # for so long an ended process tells when Slack was last reached
LEASE = timedelta(seconds=60)  # since the last sign of life; a process gives one every five seconds

_TIME = PRESENCES.c.alive_at.type
_THIS = (PRESENCES.c.tenant_id == bindparam("tenant"), PRESENCES.c.process_id == bindparam("process"))
_SIGN = text(
    "INSERT INTO presences (tenant_id, process_id, since, alive_at, gone, proven_at, sockets, unreached_since,"
    " unheard_since, undelivered_since, has_looked, has_listened) VALUES (:tenant, :process, :now, :now, false,"
    " :proven, :sockets, :unreached, :unheard, :undelivered, :looked, :listened)"
    " ON CONFLICT (tenant_id, process_id) DO UPDATE SET alive_at = excluded.alive_at, gone = false,"
    " since = CASE WHEN excluded.since < presences.since THEN excluded.since ELSE presences.since END,"
    " proven_at = excluded.proven_at, sockets = excluded.sockets, unreached_since = excluded.unreached_since,"
    " unheard_since = excluded.unheard_since, undelivered_since = excluded.undelivered_since,"
    " has_looked = excluded.has_looked, has_listened = excluded.has_listened"
).bindparams(*(bindparam(name, type_=_TIME) for name in ("now", "proven", "unreached", "unheard", "undelivered")))
_LEAVE = update(PRESENCES).where(*_THIS).values(gone=True, alive_at=bindparam("now"), nonce=None)
_OTHERS = (
    PRESENCES.c.tenant_id == bindparam("tenant"),
    PRESENCES.c.process_id != bindparam("process"),
    PRESENCES.c.alive_at > bindparam("late", type_=_TIME),
    ~PRESENCES.c.gone,
)
_SOCKETS = select(func.sum(PRESENCES.c.sockets)).where(*_OTHERS)
_UNPROVEN = select(PRESENCES.c.process_id).where(
    *_OTHERS, func.coalesce(PRESENCES.c.proven_at, PRESENCES.c.since) < bindparam("before", type_=_TIME)
)
_LACKS = ("unreached_since", "unheard_since", "undelivered_since")
_WITHIN = select(
    *(PRESENCES.c[name] for name in ("process_id", "since", "alive_at", "gone", "has_looked", "has_listened", *_LACKS))
).where(
    PRESENCES.c.tenant_id == bindparam("tenant"),
    PRESENCES.c.since < bindparam("end", type_=_TIME),
    PRESENCES.c.alive_at > bindparam("late", type_=_TIME),
)
_ASK = update(PRESENCES).where(*_THIS).values(nonce=bindparam("asked"))
_ANSWER = (
    update(PRESENCES)
    .where(PRESENCES.c.tenant_id == bindparam("tenant"), PRESENCES.c.nonce == bindparam("asked"))
    .values(nonce=None)
)
_UNANSWERED = select(PRESENCES.c.process_id).where(*_THIS, PRESENCES.c.nonce == bindparam("asked"))


class SignOfLife(NamedTuple):
    """What a process records about itself."""

    tenant: str
    process: str
    now: datetime
    proven: datetime | None
    sockets: int
    unreached: datetime | None = None  # since when this process cannot reach Slack
    unheard: datetime | None = None  # since when no click can reach this process
    undelivered: datetime | None = None  # since when cards wait and this process gets none through
    looked: bool = True  # whether it has tried to reach Slack since its start
    listened: bool = True  # whether it knows if clicks reach it


def record_sign_of_life(connection: Connection, sign: SignOfLife) -> None:
    connection.execute(_SIGN, sign._asdict())


def mark_gone(connection: Connection, tenant_id: str, process_id: str, now: datetime) -> None:
    connection.execute(_LEAVE, {"tenant": tenant_id, "process": process_id, "now": now})


def count_other_sockets(connection: Connection, tenant_id: str, process_id: str, now: datetime) -> int:
    key = {"tenant": tenant_id, "process": process_id, "late": now - LEASE}
    return connection.execute(_SOCKETS, key).scalar() or 0


def is_another_unproven(connection: Connection, tenant_id: str, process_id: str, now: datetime, old: timedelta) -> bool:
    """Whether another process has had no proof for the time `old`."""
    key = {"tenant": tenant_id, "process": process_id, "late": now - LEASE, "before": now - old}
    return connection.execute(_UNPROVEN, key).first() is not None


def slack_away_since(connection: Connection, tenant_id: str, now: datetime) -> datetime | None:
    """Since when people cannot decide in Slack; None if they can, or if no process has looked lately.

    Slack is away if no process can call it, if no click can reach any, or if cards wait and no process posts any.
    """
    key = {"tenant": tenant_id, "late": now - REMEMBERED, "end": now + LEASE}
    rows = [row for row in connection.execute(_WITHIN, key) if row.has_looked]
    present = [row for row in rows if not row.gone and row.alive_at > now - LEASE]
    lacks = (
        _lacking_since(rows, present, "unreached_since"),
        _lacking_since(_listeners(rows), _listeners(present), "unheard_since"),
        _lacking_since(rows, present, "undelivered_since"),
    )
    return min(filter(None, lacks), default=None)


def _listeners(rows: Sequence[Row[Any]]) -> list[Row[Any]]:
    """Without processes that do not know whether clicks reach them."""
    return [row for row in rows if row.has_listened]


def is_slack_away(connection: Connection, tenant_id: str, now: datetime, after: timedelta) -> bool:
    """Whether Slack has been away for the time `after`, so that people are told by mail."""
    since = slack_away_since(connection, tenant_id, now)
    return since is not None and now - since >= after


def _lacking_since(rows: Sequence[Row[Any]], present: Sequence[Row[Any]], name: str) -> datetime | None:
    """Since when no process has this; None if a present one has it.

    That is the last moment at which any process had it, also one that has ended. If none ever had it, it is the moment
    at which the first present one began to lack it.
    """
    if not present or any(getattr(row, name) is None for row in present):
        return None
    never_had: datetime = min(getattr(row, name) for row in present)
    had: list[datetime] = [
        getattr(row, name) or row.alive_at
        for row in rows
        if getattr(row, name) is None or getattr(row, name) > row.since
    ]
    return max(had, default=never_had)


def start_probe(connection: Connection, tenant_id: str, process_id: str, nonce: str) -> None:
    """Save a secret that this process sends through the public address."""
    connection.execute(_ASK, {"tenant": tenant_id, "process": process_id, "asked": nonce})


def finish_probe(connection: Connection, tenant_id: str, nonce: str) -> bool:
    """Whether the secret was expected. It counts once, whichever process receives it."""
    return connection.execute(_ANSWER, {"tenant": tenant_id, "asked": nonce}).rowcount == 1


def is_probe_pending(connection: Connection, tenant_id: str, process_id: str, nonce: str) -> bool:
    key = {"tenant": tenant_id, "process": process_id, "asked": nonce}
    return connection.execute(_UNANSWERED, key).first() is not None


def presence_spans(
    connection: Connection, tenant_id: str, begin: datetime, end: datetime
) -> Iterator[tuple[str, Span]]:
    """When each process was present."""
    rows = connection.execute(_WITHIN, {"tenant": tenant_id, "end": end, "late": begin - LEASE})
    return ((row.process_id, (row.since, row.alive_at if row.gone else row.alive_at + LEASE)) for row in rows)


def delete_presences(connection: Connection, tenant_id: str, before: datetime) -> None:
    connection.execute(delete(PRESENCES).where(PRESENCES.c.tenant_id == tenant_id, PRESENCES.c.alive_at < before))
