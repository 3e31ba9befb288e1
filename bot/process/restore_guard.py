"""Detects, on SQLite, that an older backup has replaced the database without `countersign restored`.

The number of audit events is saved in a file beside the key, `countersign.db.counter`. A service that starts and finds
fewer events freezes the installation, because an approval that was used may look unused again. If the file is missing
or belongs to another installation, nothing is frozen.
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
from store.waiters import cancel_task

log = structlog.get_logger()

SAVE_INTERVAL = 5.0  # seconds
FIX = "Compare with your last export (countersign audit verify --against OLD), then run: countersign thaw"


class Count(NamedTuple):
    tenant_id: str
    events: int


def counter_file(settings: Settings) -> Path | None:
    """The counter file; None on PostgreSQL."""
    key = key_file(settings)
    return key.with_suffix(".counter") if key else None


@asynccontextmanager
async def restore_guard(settings: Settings, store: Store) -> AsyncIterator[None]:
    """Freeze the installation if its database is older than the counter; then keep the counter up to date."""
    path = counter_file(settings)
    if path is None:
        yield
        return
    await _freeze_if_older(store, path)
    saving = asyncio.create_task(_save_for_ever(store, path))
    try:
        yield
    finally:
        await cancel_task(saving)
        await _save_count(store, path)


async def _freeze_if_older(store: Store, path: Path) -> None:
    saved, current = _read_counter(path), await store.read(count_events)
    if saved is None or saved.tenant_id != current.tenant_id or current.events >= saved.events:
        return
    events = {"events_found": current.events, "events_before": saved.events}
    now = store.clock()
    await store.write(lambda connection: tenancy.record_restore(connection, actor=AUTO.actor_id, now=now, **events))
    log.error("database.older_than_before", **events, frozen=True, fix=FIX)


async def _save_for_ever(store: Store, path: Path) -> None:
    while True:
        await _save_count(store, path)
        await asyncio.sleep(SAVE_INTERVAL)


async def _save_count(store: Store, path: Path) -> None:
    with suppress(UnavailableError):
        write_counter(path, await store.read(count_events))


def count_events(connection: Connection) -> Count:
    """Count the audit events. They are never deleted, so an older state of the database has fewer."""
    return Count(tenancy.read_tenant_id(connection), tenancy.count_events(connection))


def write_counter(path: Path, count: Count) -> None:
    """Replace the file atomically. If that fails, only log it: a restore may then be detected late or not at all."""
    if _read_counter(path) == count:
        return
    draft = path.with_name(f"{path.name}.part")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(count._asdict(), file)
        draft.replace(path)
    except OSError as fault:
        log.warning("counter.not_written", file=str(path), error=fault.strerror)


def _read_counter(path: Path) -> Count | None:
    try:
        saved = json.loads(path.read_text())
        return Count(str(saved["tenant_id"]), int(saved["events"]))
    except (OSError, ValueError, TypeError, KeyError):
        return None
