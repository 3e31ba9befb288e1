"""The processes that receive clicks: each regularly records that it is alive and what it can prove.

A process that stopped cleanly is gone. Any other counts as present until its lease expires, because a process that
crashed or hangs may still be given clicks. While it is present without proof, silence counts nowhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, delete, func, select, text, update

from rules.people.working_time import Span
from store.schema.installation_tables import Presence
from store.schema.tables import core

PRESENCES = core(Presence)
REMEMBERED = timedelta(hours=1)  # so long an ended process tells when it last reached Slack
LEASE = timedelta(seconds=60)  # since the last sign of life; a process gives one every five seconds

_TIME = PRESENCES.c.alive_at.type
_THIS = (PRESENCES.c.tenant_id == bindparam("tenant"), PRESENCES.c.process_id == bindparam("process"))
_SIGN = text(
    "INSERT INTO presences (tenant_id, process_id, since, alive_at, gone, proven_at, sockets, unreached_since,"
    " has_looked) VALUES (:tenant, :process, :now, :now, false, :proven, :sockets, :unreached, :looked)"
    " ON CONFLICT (tenant_id, process_id) DO UPDATE SET alive_at = excluded.alive_at, gone = false,"
    " since = CASE WHEN excluded.since < presences.since THEN excluded.since ELSE presences.since END,"
    " proven_at = excluded.proven_at, sockets = excluded.sockets, unreached_since = excluded.unreached_since,"
    " has_looked = excluded.has_looked"
).bindparams(bindparam("now", type_=_TIME), bindparam("proven", type_=_TIME), bindparam("unreached", type_=_TIME))
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
_WITHIN = select(
    *(PRESENCES.c[name] for name in ("process_id", "since", "alive_at", "gone", "unreached_since", "has_looked"))
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
    looked: bool = True  # whether it has tried to reach Slack since its start


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
    """Since when no process can reach Slack; None if one can, or if none has looked lately.

    A process that has not tried yet counts as neither. One that has never reached Slack does not know since when. Then
    those before it count, if they ended lately.
    """
    key = {"tenant": tenant_id, "late": now - REMEMBERED, "end": now + LEASE}
    rows = [row for row in connection.execute(_WITHIN, key) if row.has_looked]
    present = [row for row in rows if not row.gone and row.alive_at > now - LEASE]
    if not present or any(row.unreached_since is None for row in present):
        return None
    never_reached: datetime = min(row.unreached_since for row in present)
    reached: list[datetime] = [
        row.unreached_since or row.alive_at
        for row in rows
        if row.unreached_since is None or row.unreached_since > row.since
    ]
    return max(reached, default=never_reached)


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
