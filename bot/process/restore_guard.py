"""Notices, on SQLite, that the database is older than it was: a backup was put in its place, and nobody said so.

How many events there are is kept in a file beside the key, `countersign.db.counter`. A service that starts and finds
fewer events than that freezes the installation, because approvals that were used may look unused again. A file that is
missing, or that belongs to another installation, freezes nothing.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import structlog
from sqlalchemy import Connection

from bot.keys import key_file
from bot.settings import Settings
from rules.people.directory import AUTO
from store.engine.workers import UnavailableError
from store.installation import tenancy
from store.store import Store
from store.waiters import stopped

log = structlog.get_logger()

EVERY = 5.0
FIX = "Compare with your last export (countersign audit verify --against OLD), then run: countersign thaw"


class Count(NamedTuple):
    tenant_id: str
    events: int


def counter_file(settings: Settings) -> Path | None:
    """Nowhere on PostgreSQL."""
    key = key_file(settings)
    return key.with_suffix(".counter") if key else None


@asynccontextmanager
async def guarded(settings: Settings, store: Store) -> AsyncIterator[None]:
    """Freezes an older database first; then the counter follows what is written, until the end."""
    path = counter_file(settings)
    if path is None:
        yield
        return
    await _freeze_if_older(store, path)
    keeping = asyncio.create_task(_keep_for_ever(store, path))
    try:
        yield
    finally:
        await stopped(keeping)
        await _keep(store, path)


async def _freeze_if_older(store: Store, path: Path) -> None:
    kept, found = _read(path), await store.read(counted)
    if kept is None or kept.tenant_id != found.tenant_id or found.events >= kept.events:
        return
    events = {"events_found": found.events, "events_before": kept.events}
    now = store.clock()
    await store.write(lambda its: tenancy.restored(its, actor=AUTO.actor_id, now=now, **events))
    log.error("database.older_than_before", **events, frozen=True, fix=FIX)


async def _keep_for_ever(store: Store, path: Path) -> None:
    while True:
        await _keep(store, path)
        await asyncio.sleep(EVERY)


async def _keep(store: Store, path: Path) -> None:
    with suppress(UnavailableError):
        write_counter(path, await store.read(counted))


def counted(connection: Connection) -> Count:
    """Events are only ever added, so an earlier state of the same database has fewer."""
    return Count(tenancy.tenant(connection), tenancy.count_of_events(connection))


def write_counter(path: Path, count: Count) -> None:
    """Whole or not at all. Where it cannot be kept, a restored database is only noticed later or not at all."""
    if _read(path) == count:
        return
    draft = path.with_name(f"{path.name}.part")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(count._asdict(), file)
        draft.replace(path)
    except OSError as fault:
        log.warning("counter.not_kept", file=str(path), error=fault.strerror)


def _read(path: Path) -> Count | None:
    try:
        kept = json.loads(path.read_text())
        return Count(str(kept["tenant_id"]), int(kept["events"]))
    except (OSError, ValueError, TypeError, KeyError):
        return None
