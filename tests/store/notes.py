"""A minimal table of numbers, and helpers that block operations."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

import psycopg
from sqlalchemy import Connection, text

from store.engine import database as store_database
from store.engine.database import Database

MAKE = "CREATE TABLE notes (number integer PRIMARY KEY)"
ADD = text("INSERT INTO notes VALUES (:number)")


def note(number: int) -> Any:
    return lambda connection: connection.execute(ADD, {"number": number}) and number


def notes(connection: Connection) -> list[int]:
    return list(connection.execute(text("SELECT number FROM notes ORDER BY number")).scalars())


class Hold:
    """Blocks operations until they are released, so that later operations are known to wait."""

    def __init__(self) -> None:
        self._reached, self._free = threading.Event(), threading.Event()

    def here(self, _: Any) -> int:
        self._reached.set()
        return int(self._free.wait(20))

    async def wait_until_reached(self) -> None:
        assert await asyncio.to_thread(self._reached.wait, 20)

    def let_go(self) -> None:
        self._free.set()


class Threads:
    """Blocks the threads that run groups on PostgreSQL. If there is one, it runs all waiting operations as one group."""

    def __init__(self, database: Database) -> None:
        self._database, self._holds = database, [Hold() for _ in range(store_database.GROUPS)]
        self.held: list[asyncio.Task[int]] = []

    async def __aenter__(self) -> Self:
        for hold in self._holds:
            self.held.append(asyncio.create_task(self._database.write(hold.here, quick=True)))
            await hold.wait_until_reached()
        return self

    async def __aexit__(self, *_: object) -> None:
        for hold in self._holds:
            hold.let_go()
        await asyncio.gather(*self.held)

    async def start_all(self, *operations: Any) -> list[asyncio.Task[Any]]:
        tasks = [asyncio.create_task(self._database.write(operation, quick=True)) for operation in operations]
        await asyncio.sleep(0)
        return tasks

    def let_one_go(self) -> None:
        self._holds[0].let_go()

    async def together(self, *operations: Any) -> list[Any]:
        tasks = await self.start_all(*operations)
        self.let_one_go()
        return await asyncio.gather(*tasks, return_exceptions=True)


_HOLDER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.read()
"""


@contextmanager
def held_by_another(url: str) -> Iterator[None]:
    """Another process holds the lock that a writer needs."""
    if url.startswith("sqlite"):
        path = url.removeprefix("sqlite:///")
        pipe = subprocess.PIPE
        with subprocess.Popen([sys.executable, "-c", _HOLDER, path], stdin=pipe, stdout=pipe, text=True) as holder:
            assert holder.stdout is not None
            assert holder.stdout.readline() == "held\n"
            yield
            holder.communicate()
    else:
        with psycopg.connect(url) as connection:
            connection.execute("LOCK TABLE notes IN SHARE MODE")
            yield
