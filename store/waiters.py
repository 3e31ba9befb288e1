"""Wakes whoever waits for a package: at once in this process, by NOTIFY from others, by a slow poll behind it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import partial

import psycopg
import structlog
from sqlalchemy.engine import make_url

from store.database import Database
from store.packages import revisions

log = structlog.get_logger()

CHANNEL = "countersign"
SLOW_POLL = 2.0
POLLED_AT_ONCE = 500
RECONNECT = 1.0
_PAYLOAD = 7_500  # PostgreSQL refuses a payload of 8,000 bytes


class Waiter:
    """Somebody who has seen a package at `seen` and wants to know when it moves on."""

    def __init__(self) -> None:
        self.seen: int | None = None
        self._news = asyncio.Event()

    def wake(self) -> None:
        self._news.set()

    async def news(self) -> None:
        await self._news.wait()
        self._news.clear()


class Waiters:
    """The slow poll alone would be enough; all else only makes it quick."""

    def __init__(self, database: Database, tenant_id: str) -> None:
        self._database, self._tenant_id = database, tenant_id
        self._waiting: dict[str, set[Waiter]] = {}
        self.released = False

    @contextmanager
    def waiting_for(self, package_id: str) -> Iterator[Waiter]:
        """Enter before reading: what changes between reading and waiting is then news already."""
        waiter = Waiter()
        self._waiting.setdefault(package_id, set()).add(waiter)
        try:
            yield waiter
        finally:
            self._waiting[package_id].discard(waiter)
            if not self._waiting[package_id]:
                del self._waiting[package_id]

    def wake(self, package_ids: Iterable[str]) -> None:
        for package_id in package_ids:
            for waiter in self._waiting.get(package_id, ()):
                waiter.wake()

    def wake_all(self) -> None:
        self.wake(list(self._waiting))

    def release(self) -> None:
        """From here on nobody is to wait: the process is about to end."""
        self.released = True
        self.wake_all()

    async def poll_for_ever(self) -> None:
        while True:
            await asyncio.sleep(SLOW_POLL)
            try:
                await self._poll()
            except Exception as fault:  # noqa: BLE001 - the database may be away; waiting is what we are here for
                log.warning("waiters.poll_failed", error=str(fault))

    async def _poll(self) -> None:
        awaited = list(self._waiting)
        for start in range(0, len(awaited), POLLED_AT_ONCE):
            some = partial(revisions, tenant_id=self._tenant_id, package_ids=awaited[start : start + POLLED_AT_ONCE])
            for package_id, revision in (await self._database.read(some)).items():
                for waiter in self._waiting.get(package_id, ()):
                    if waiter.seen != revision:
                        waiter.wake()


class Notifier:
    """Tells the other replicas, after the commit and in batches: one NOTIFY carries as many packages as fit."""

    def __init__(self, url: str, waiters: Waiters) -> None:
        self._dsn = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        self._waiters = waiters
        self._changed: set[str] = set()
        self._news = asyncio.Event()

    def tell(self, package_ids: Iterable[str]) -> None:
        self._changed.update(package_ids)
        self._news.set()

    async def run_for_ever(self) -> None:
        while True:
            try:
                await self._run()
            except* (psycopg.Error, OSError) as faults:
                log.warning("notifier.reconnecting", error=str(faults.exceptions[0]).strip())
            await asyncio.sleep(RECONNECT)

    async def _run(self) -> None:
        connection = await psycopg.AsyncConnection.connect(self._dsn, autocommit=True)
        async with connection, asyncio.TaskGroup() as group:
            await connection.execute(f"LISTEN {CHANNEL}")
            # What was told while nobody listened is lost: look once at everything.
            self._waiters.wake_all()
            group.create_task(self._listen(connection))
            group.create_task(self._speak())

    async def _listen(self, connection: psycopg.AsyncConnection) -> None:
        async for notice in connection.notifies():
            self._waiters.wake(notice.payload.split(","))

    async def _speak(self) -> None:
        connection = await psycopg.AsyncConnection.connect(self._dsn, autocommit=True)
        async with connection:
            while True:
                await self._news.wait()
                self._news.clear()
                await self._say(connection)

    async def _say(self, connection: psycopg.AsyncConnection) -> None:
        """What changes again meanwhile is told again; what could not be told is told over the next connection."""
        changed, self._changed = self._changed, set()
        try:
            for payload in _payloads(changed):
                await connection.execute("SELECT pg_notify(%s, %s)", (CHANNEL, payload))
        except BaseException:
            self._changed |= changed
            self._news.set()
            raise


def _payloads(package_ids: Iterable[str]) -> list[str]:
    payloads: list[str] = []
    for package_id in list(package_ids):
        if payloads and len(payloads[-1]) + len(package_id) < _PAYLOAD:
            payloads[-1] += f",{package_id}"
        else:
            payloads.append(package_id)
    return payloads


async def stopped(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
