"""Waiters learn of a change at once, wherever it was made."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from rules.state.commands import Comment, Reject
from store import waiters as store_waiters
from store.notifier import Notifier
from store.waiters import Waiters
from tests.rules.world import HARD, SENTA, ask, package
from tests.store.waiting_agents import Waits, soon, status_of, wait_for_package
from tests.store.world import World, open_world, replica

POSTGRESQL = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


async def test_a_change_in_this_process_wakes_a_waiter(quiet: World, monkeypatch: pytest.MonkeyPatch) -> None:
    waits, state = Waits(monkeypatch), await quiet.submit(HARD)
    task = wait_for_package(quiet, state)
    await waits.come()
    await quiet.after(ask(Reject, state), SENTA)
    assert status_of(await soon(task)) == "rejected"


@POSTGRESQL
async def test_a_change_in_another_process_wakes_a_waiter_long_before_the_slow_poll(
    quiet: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits, state = Waits(monkeypatch), await quiet.submit(HARD)
    async with replica(quiet) as other:
        task = wait_for_package(quiet, state)
        await waits.come()
        await other.after(ask(Reject, state), SENTA)
        assert status_of(await soon(task)) == "rejected"


async def test_the_slow_poll_alone_finds_a_change_made_elsewhere(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_waiters, "SLOW_POLL", 0.05)
    monkeypatch.setattr(Notifier, "announce", lambda *_: None)
    waits = Waits(monkeypatch)
    async with open_world(database_url) as world, replica(world) as other:
        state = await world.submit(HARD)
        task = wait_for_package(world, state)
        await waits.come()
        await other.after(ask(Reject, state), SENTA)
        assert status_of(await soon(task)) == "rejected"


async def test_the_slow_poll_continues_after_the_database_was_away(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_waiters, "SLOW_POLL", 0.05)
    polled, again = asyncio.Event(), Waiters._poll

    async def first_fails(waiters: Waiters) -> None:
        monkeypatch.setattr(Waiters, "_poll", again)
        polled.set()
        raise OSError("no route to the database")

    monkeypatch.setattr(Waiters, "_poll", first_fails)
    monkeypatch.setattr(Notifier, "announce", lambda *_: None)
    async with open_world(database_url) as world, replica(world) as other:
        state = await world.submit(HARD)
        task = wait_for_package(world, state)
        await soon(polled.wait())
        await other.after(ask(Reject, state), SENTA)
        assert status_of(await soon(task)) == "rejected"


async def test_a_change_between_reading_and_waiting_is_noticed(quiet: World, monkeypatch: pytest.MonkeyPatch) -> None:
    state = await quiet.submit(HARD)
    database = quiet.store.database
    read = database.read

    async def changed_right_after(operation: Any, *, quick: bool) -> Any:
        result = await read(operation, quick=quick)
        monkeypatch.setattr(database, "read", read)
        await quiet.after(ask(Reject, state), SENTA)
        return result

    monkeypatch.setattr(database, "read", changed_right_after)
    assert status_of(await soon(wait_for_package(quiet, state))) == "rejected"


async def test_a_caller_with_an_older_revision_does_not_wait(quiet: World) -> None:
    state = await quiet.submit(HARD)
    await quiet.after(ask(Comment, state), SENTA)
    result = await soon(wait_for_package(quiet, state, seen=state.revision))
    assert result is not None
    assert result.revision == state.revision + 1


async def test_a_caller_without_a_revision_does_not_wait_for_an_ended_package(quiet: World) -> None:
    state = await quiet.submit(HARD)
    ended = await quiet.after(ask(Reject, state), SENTA)
    assert status_of(await soon(wait_for_package(quiet, ended))) == "rejected"


async def test_after_a_timeout_the_current_package_is_returned_and_the_waiter_is_removed(quiet: World) -> None:
    state = await quiet.submit(HARD)
    result = await soon(quiet.store.wait_for_change(state.decision_package_id, state.agent_id, None, 0.01))
    assert status_of(result) == "pending"
    assert quiet.store.waiters._waiting == {}


async def test_a_change_of_one_package_does_not_wake_waiters_of_another(
    quiet: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits = Waits(monkeypatch)
    one, other = [await quiet.submit(package(risk_level="high", subject_id=str(n))) for n in range(2)]
    for_one, for_other = wait_for_package(quiet, one), wait_for_package(quiet, other)
    await waits.come(2)
    await quiet.after(ask(Reject, one), SENTA)
    await soon(for_one)
    assert not for_other.done()
    quiet.store.waiters.release()
    await soon(for_other)


async def test_an_ending_process_releases_all_waiters_and_lets_nobody_wait(
    quiet: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits, state = Waits(monkeypatch), await quiet.submit(HARD)
    tasks = [wait_for_package(quiet, state) for _ in range(5)]
    await waits.come(5)
    quiet.store.waiters.release()
    result = await soon(asyncio.gather(*tasks, wait_for_package(quiet, state)))
    assert [status_of(document) for document in result] == ["pending"] * 6
