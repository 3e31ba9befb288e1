"""Several processes share the feed, and any of them may die: each event arrives, in order, under one id."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from rules.state.commands import Approve
from scheduler.feed.webhook import FeedWebhook
from tests.fork_server import ForkedProcess
from tests.rules.world import SENTA, ask
from tests.scheduler.callbacks.receiver import HeldAnswer, Receiver
from tests.scheduler.feed.feed_process import STEPS, run_feed
from tests.scheduler.feed.stations import Station, open_station, sequences
from tests.store.test_crash import wait_for_death
from tests.store.world import replica

LEASE = timedelta(seconds=61)


@asynccontextmanager
async def feed_process(station: Station, receiver: Receiver, step: str | None = None) -> AsyncIterator[ForkedProcess]:
    process = ForkedProcess(run_feed, station.world.url, receiver.url(), step)
    try:
        assert await process.receive() == "ready"
        yield process
    finally:
        await process.kill()


def first_arrivals(receiver: Receiver, package_id: str) -> list[int]:
    """The places of a package's events in the order in which each arrived first."""
    return list(dict.fromkeys(sequences(receiver, package_id)))


@pytest.mark.parametrize("step", STEPS)
async def test_events_of_a_process_killed_between_two_steps_are_sent_by_another(
    station: Station, receiver: Receiver, step: str
) -> None:
    await station.send()
    state = await station.world.submit_and_approve(by=SENTA)
    async with feed_process(station, receiver, step) as process:
        process.send("go")
        assert await process.wait() == -9
    wait_for_death(station.world.url)
    await station.later(LEASE)
    assert first_arrivals(receiver, state.decision_package_id) == [1, 2, 3]
    chain = await station.chain(state.decision_package_id)
    assert {got.id for got in receiver.got if got.payload["subject"] == state.decision_package_id} == {
        event["digest"] for event in chain
    }
    assert {sent for sent, wanted in (await station.positions()).values() if sent < wanted} == set()


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_three_processes_share_the_work_and_nothing_is_sent_twice(station: Station, receiver: Receiver) -> None:
    """The first requests wait for each other, which proves that all three processes work."""
    await station.send()
    receiver.got.clear()
    at_once = 3 * FeedWebhook.at_once
    held = [HeldAnswer() for _ in range(at_once)]
    receiver.answers(*held)
    states = [await station.world.submit_and_approve(by=SENTA) for _ in range(60)]
    async with (
        feed_process(station, receiver) as one,
        feed_process(station, receiver) as two,
        feed_process(station, receiver) as three,
    ):
        for process in (one, two, three):
            process.send("go")
        await receiver.wait_for(at_once)
        for request in held:
            request.free.set()
        await receiver.wait_for(180)
        shares = []
        for process in (one, two, three):
            process.send("end")
            shares.append(int(await process.receive() or 0))
    assert sum(shares) == 180
    assert min(shares) >= FeedWebhook.at_once
    assert set(Counter(receiver.ids()).values()) == {1}
    assert {tuple(sequences(receiver, state.decision_package_id)) for state in states} == {(1, 2, 3)}


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_process_that_was_frozen_sends_events_twice_and_never_out_of_order(
    station: Station, receiver: Receiver
) -> None:
    """Its claim ends while it sends the first event. Another process sends all, and then it goes on."""
    held = HeldAnswer()
    await station.send()
    state = await station.world.submit_and_approve(by=SENTA)
    receiver.answers(held)
    frozen = asyncio.create_task(station.send())
    await held.begun.wait()
    async with replica(station.world) as other, open_station(other, receiver.url()) as beside:
        await beside.later(LEASE)
        await other.after(ask(Approve, await other.submit()), SENTA)
        held.free.set()
        await frozen
        await beside.later(LEASE)
    assert first_arrivals(receiver, state.decision_package_id) == [1, 2, 3]
    assert (await station.positions())[state.decision_package_id] == (3, 3)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_replicas_that_find_the_same_news_at_the_same_moment_send_each_event_once(
    station: Station, receiver: Receiver
) -> None:
    await station.send()
    receiver.got.clear()
    for _ in range(20):
        await station.world.submit()
    async with replica(station.world) as other, open_station(other, receiver.url()) as beside:
        await asyncio.gather(station.send(), beside.send())
    assert set(Counter(receiver.ids()).values()) == {1}
    assert len(receiver.got) == 20
