"""Tells other replicas about changed packages with NOTIFY, and listens for their changes.

Only on PostgreSQL. It is an optimisation: what it does not deliver, the slow poll of `store.waiters` finds. So a lost
connection is opened again without further care.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

import psycopg
import structlog

from store.engine.address import connect_options, parse_database_url
from store.waiters import Waiters

log = structlog.get_logger()

CHANNEL = "countersign"
RECONNECT = 1.0  # seconds between attempts
_PAYLOAD = 7_500  # PostgreSQL refuses a payload of 8,000 bytes


class Notifier:
    """Sends changes after their commit and in batches: one NOTIFY contains as many package ids as fit."""

    def __init__(self, url: str, waiters: Waiters) -> None:
        address = parse_database_url(url).set(drivername="postgresql+psycopg")
        _, options = address.get_dialect()().create_connect_args(address)
        self._options: dict[str, Any] = {**connect_options(address), **options}
        self._waiters = waiters
        self._changed: set[str] = set()
        self._news = asyncio.Event()

    def announce(self, package_ids: Iterable[str]) -> None:
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
        connection = await psycopg.AsyncConnection.connect(**self._options, autocommit=True)
        async with connection, asyncio.TaskGroup() as group:
            await connection.execute(f"LISTEN {CHANNEL}")
            # Notifications sent while this process did not listen are lost, so wake all waiters once.
            self._waiters.wake_all()
            group.create_task(self._listen(connection))
            group.create_task(self._send_changes())

    async def _listen(self, connection: psycopg.AsyncConnection) -> None:
        async for notice in connection.notifies():
            self._waiters.wake(notice.payload.split(","))

    async def _send_changes(self) -> None:
        connection = await psycopg.AsyncConnection.connect(**self._options, autocommit=True)
        async with connection:
            while True:
                await self._news.wait()
                self._news.clear()
                await self._notify(connection)

    async def _notify(self, connection: psycopg.AsyncConnection) -> None:
        """Ids that could not be sent are sent over the next connection."""
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
    for package_id in package_ids:
        if payloads and len(payloads[-1]) + len(package_id) < _PAYLOAD:
            payloads[-1] += f",{package_id}"
        else:
            payloads.append(package_id)
    return payloads
