"""On PostgreSQL, replicas announce changes to each other: in batches, and again after a lost connection."""

from __future__ import annotations

import asyncio
from typing import Any

import psycopg
import pytest

from rules.state.commands import Reject
from store import waiters as store_waiters
from store.notifier import CHANNEL, Notifier
from store.waiters import Waiters
from tests.rules.world import HARD, SENTA, ask, package
from tests.store.waiting_agents import FOR_EVER, Waits, soon, status_of, wait_for_package
from tests.store.world import World, open_world, replica

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


async def _cut_all(url: str) -> int:
    """Close every other connection to this database, like a restart of the server or a firewall."""
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        cut = await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        return len(await cut.fetchall())


async def test_a_cut_connection_is_reopened_and_no_change_is_lost(
    quiet: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits = Waits(monkeypatch)
    async with replica(quiet) as other:
        for number in range(3):
            state = await quiet.submit(package(risk_level="high", subject_id=str(number)))
            task = wait_for_package(quiet, state)
            await waits.come()
            assert await _cut_all(quiet.url) > 0
            await other.after(ask(Reject, state), SENTA)
            assert status_of(await soon(task)) == "rejected"


async def test_failed_announcements_are_sent_over_the_next_connection(
    quiet: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits, state = Waits(monkeypatch), await quiet.submit(HARD)
    execute = psycopg.AsyncConnection.execute

    async def fails_once(connection: Any, query: Any, *arguments: Any, **options: Any) -> Any:
        if "pg_notify" in query:
            monkeypatch.setattr(psycopg.AsyncConnection, "execute", execute)
            raise psycopg.OperationalError("the connection was lost")
        return await execute(connection, query, *arguments, **options)

    async with replica(quiet) as other:
        task = wait_for_package(quiet, state)
        await waits.come()
        monkeypatch.setattr(psycopg.AsyncConnection, "execute", fails_once)
        await other.after(ask(Reject, state), SENTA)
        assert status_of(await soon(task)) == "rejected"


async def test_a_package_that_changes_while_it_is_announced_is_announced_again(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    notifier = Notifier(database_url, Waiters(None, "T1"))  # type: ignore[arg-type]  # nobody waits here
    execute = psycopg.AsyncConnection.execute

    async def changes_meanwhile(connection: Any, query: Any, *arguments: Any, **options: Any) -> Any:
        done = await execute(connection, query, *arguments, **options)
        if "pg_notify" in query:
            monkeypatch.setattr(psycopg.AsyncConnection, "execute", execute)
            notifier.announce(["pkg_1"])
        return done

    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as listener:
        await listener.execute(f"LISTEN {CHANNEL}")
        monkeypatch.setattr(psycopg.AsyncConnection, "execute", changes_meanwhile)
        notifier.announce(["pkg_1"])
        telling = asyncio.create_task(notifier.run_for_ever())
        heard = [notice.payload async for notice in listener.notifies(timeout=30, stop_after=2)]
        await store_waiters.cancel_task(telling)
    assert heard == ["pkg_1", "pkg_1"]


async def test_thousands_of_changes_are_announced_in_few_messages_of_allowed_size(database_url: str) -> None:
    names = {f"pkg_{number:028d}" for number in range(3000)}
    notifier = Notifier(database_url, Waiters(None, "T1"))  # type: ignore[arg-type]  # nobody waits here
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as listener:
        await listener.execute(f"LISTEN {CHANNEL}")
        for name in names:
            notifier.announce([name])
        telling = asyncio.create_task(notifier.run_for_ever())
        heard: list[str] = []
        async for notice in listener.notifies(timeout=30, stop_after=14):
            heard += notice.payload.split(",")
        await store_waiters.cancel_task(telling)
    assert (set(heard), len(heard)) == (names, 3000)


async def test_changes_announced_while_nobody_listened_are_noticed_after_reconnecting(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_waiters, "SLOW_POLL", FOR_EVER)
    monkeypatch.setattr(Notifier, "announce", lambda *_: None)
    waits, connect, back = Waits(monkeypatch), psycopg.AsyncConnection.connect, asyncio.Event()

    async def later(*arguments: Any, **options: Any) -> Any:
        await back.wait()
        return await connect(*arguments, **options)

    monkeypatch.setattr(psycopg.AsyncConnection, "connect", later)
    async with open_world(database_url) as world, replica(world) as other:
        state = await world.submit(HARD)
        task = wait_for_package(world, state)
        await waits.come()
        await other.after(ask(Reject, state), SENTA)
        back.set()
        assert status_of(await soon(task)) == "rejected"


async def test_an_unreachable_database_is_retried_until_it_is_back(
    quiet: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect, refusals = psycopg.AsyncConnection.connect, iter(range(3))

    async def away(*arguments: Any, **options: Any) -> Any:
        if next(refusals, None) is not None:
            raise OSError("connection refused")
        return await connect(*arguments, **options)

    monkeypatch.setattr(psycopg.AsyncConnection, "connect", away)
    waits, state = Waits(monkeypatch), await quiet.submit(HARD)
    async with replica(quiet) as other:
        task = wait_for_package(quiet, state)
        await waits.come()
        await other.after(ask(Reject, state), SENTA)
        assert status_of(await soon(task)) == "rejected"
