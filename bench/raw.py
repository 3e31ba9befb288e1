"""The baselines: the same rows written by the database drivers alone, without rules, digests, reads or HTTP."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from concurrent.futures import Future
from queue import SimpleQueue

import asyncpg  # type: ignore[import-untyped]
from sqlalchemy.engine import make_url

from bench.rows import Write

GROUP = 256  # operations in one commit
CONNECTIONS = 8

Job = tuple[list[Write], "Future[None]"]


class RawSqlite:
    """One writer thread that commits in groups: a savepoint for each operation, synchronous=FULL like the service."""

    def __init__(self, url: str) -> None:
        self._path = str(make_url(url).database)
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    async def write(self, writes: list[Write]) -> None:
        done: Future[None] = Future()
        self._jobs.put((writes, done))
        await asyncio.wrap_future(done)

    async def close(self) -> None:
        self._jobs.put(None)
        await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        connection = sqlite3.connect(self._path, isolation_level=None)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        while (job := self._jobs.get()) is not None:
            group = [job]
            while len(group) < GROUP and not self._jobs.empty():
                if (more := self._jobs.get()) is None:
                    self._jobs.put(None)  # ends the outer loop
                    break
                group.append(more)
            try:
                self._commit(connection, group)
            except sqlite3.Error as fault:
                for _, done in group:
                    done.set_exception(fault)
        connection.close()

    @staticmethod
    def _commit(connection: sqlite3.Connection, group: list[Job]) -> None:
        connection.execute("BEGIN IMMEDIATE")
        for writes, _ in group:
            connection.execute("SAVEPOINT one")
            for write in writes:
                connection.execute(write.sql, write.parameters)
            connection.execute("RELEASE one")
        connection.execute("COMMIT")
        for _, done in group:
            done.set_result(None)


class RawPostgres:
    """asyncpg with prepared statements and as many connections as the service has writer threads."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    @classmethod
    async def open(cls, url: str) -> RawPostgres:
        return cls(await asyncpg.create_pool(url, min_size=CONNECTIONS, max_size=CONNECTIONS))

    async def write(self, writes: list[Write]) -> None:
        async with self._pool.acquire() as connection, connection.transaction():
            for write in writes:
                await connection.execute(write.sql, *write.parameters)

    async def close(self) -> None:
        await self._pool.close()


async def open_raw(kind: str, url: str) -> RawSqlite | RawPostgres:
    return RawSqlite(url) if kind == "sqlite" else await RawPostgres.open(url)
