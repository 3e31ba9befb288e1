"""One `countersign serve` at a time on one SQLite file, by a lock of the operating system.

The lock file lies beside the database and stays there. What is on it ends with the process, however that ends.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import structlog

from store.engine.address import address
from store.engine.files import make_folder

log = structlog.get_logger()

WAITS = 10.0  # seconds: a process that is told to end needs a few
LOOKS_EVERY = 0.1


class ServedError(Exception):
    """Another process serves this database; the sentence says what to do."""


@asynccontextmanager
async def only_server(database_url: str) -> AsyncIterator[None]:
    """On PostgreSQL any number of processes serve."""
    url = address(database_url)
    if url.get_backend_name() != "sqlite":
        yield
        return
    database = _file(str(url.database))
    make_folder(database)
    descriptor = os.open(f"{database}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        await _locked(descriptor, database)
        yield
    finally:
        os.close(descriptor)


def _file(name: str) -> Path:
    """By whatever name: it is one file, and one lock."""
    return Path(name).resolve()


async def _locked(descriptor: int, database: Path) -> None:
    if _taken(descriptor):
        return
    log.info("service.waiting", database=str(database), because="another `countersign serve` uses it", seconds=WAITS)
    try:
        async with asyncio.timeout(WAITS):
            while not _taken(descriptor):  # noqa: ASYNC110 - no event tells that another process has ended
                await asyncio.sleep(LOOKS_EVERY)
    except TimeoutError as fault:
        raise ServedError(
            f"another `countersign serve` uses {database}; stop it first, or use PostgreSQL to run several"
        ) from fault


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
