"""Allows only one `countersign serve` per SQLite file, with an advisory lock (flock) on a file beside the database.

The lock file is never deleted. The operating system releases the lock when the process ends, even if it is killed.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import structlog

from store.engine.address import parse_database_url
from store.engine.files import make_private_folder

log = structlog.get_logger()

LOCK_WITHIN = 10.0  # seconds: the previous process may still be shutting down
RETRY_INTERVAL = 0.1  # seconds


class AlreadyServedError(Exception):
    """Another process serves this database; the message says what to do."""


@asynccontextmanager
async def hold_server_lock(database_url: str) -> AsyncIterator[None]:
    """Hold the lock of a SQLite database. PostgreSQL needs none: any number of processes may serve."""
    url = parse_database_url(database_url)
    if url.get_backend_name() != "sqlite":
        yield
        return
    database = _real_path(str(url.database))
    make_private_folder(database)
    descriptor = os.open(f"{database}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        await _acquire(descriptor, database)
        yield
    finally:
        os.close(descriptor)


def _real_path(name: str) -> Path:
    """Resolve links, so that every path to the same database leads to the same lock file."""
    return Path(name).resolve()


async def _acquire(descriptor: int, database: Path) -> None:
    if _try_lock(descriptor):
        return
    log.info(
        "service.waiting", database=str(database), because="another `countersign serve` uses it", seconds=LOCK_WITHIN
    )
    try:
        async with asyncio.timeout(LOCK_WITHIN):
            while not _try_lock(descriptor):  # noqa: ASYNC110 - no event says that another process has ended
                await asyncio.sleep(RETRY_INTERVAL)
    except TimeoutError as fault:
        raise AlreadyServedError(
            f"another `countersign serve` uses {database}; stop it first, or use PostgreSQL to run several"
        ) from fault


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
