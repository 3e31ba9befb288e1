"""A command is acknowledged within Slack's three seconds, also if the database is slow."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from sqlalchemy import Connection

from bot.slack.slash import in_time
from bot.slack.slash.in_time import LATE
from store.engine.workers import READERS
from tests.bot.slack.office import SENTA, Office

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


async def _held_read(office: Office, gate: threading.Event) -> asyncio.Task[bool]:
    """A read that has begun and goes on until the gate opens."""
    begun, loop = asyncio.Event(), asyncio.get_running_loop()

    def hold(_: Connection) -> bool:
        loop.call_soon_threadsafe(begun.set)
        return gate.wait()

    read = asyncio.create_task(office.store.read(hold))
    await begun.wait()
    return read


@asynccontextmanager
async def readers_busy(office: Office) -> AsyncIterator[None]:
    """Inside, every thread that reads the database is busy."""
    gate, reads = threading.Event(), list[asyncio.Task[bool]]()
    for _ in range(READERS):
        reads.append(await _held_read(office, gate))
    try:
        yield
    finally:
        gate.set()
        await asyncio.gather(*reads)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        pytest.param("queue", "Nothing that you can see is waiting.", id="queue"),
        pytest.param("stats", "Waiting", id="stats, with charts"),
        pytest.param("assign", "Only the policy's admins can do this.", id="a refusal"),
        pytest.param("back", "You're marked as available.", id="a change"),
    ],
)
async def test_a_command_that_the_database_delays_is_answered_at_once_and_again_when_it_is_done(
    office: Office, monkeypatch: pytest.MonkeyPatch, text: str, answer: str
) -> None:
    monkeypatch.setattr(in_time, "ANSWERS_WITHIN", 0.01)
    async with readers_busy(office):
        outcome = await office.slack.command(SENTA, "/reviews", text)
        assert (outcome.ok, outcome.body["text"]) == (True, LATE)
    await office.finish_background()
    late, done = office.slack.private_notes(SENTA)
    assert (late.shown, answer in done.shown) == (LATE, True)


async def test_a_command_that_is_answered_in_time_gets_one_answer(office: Office) -> None:
    await office.slack.command(SENTA, "/reviews", "queue")
    await office.finish_background()
    (note,) = office.slack.private_notes(SENTA)
    assert note.shown == "Nothing that you can see is waiting."
