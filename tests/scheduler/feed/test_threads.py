"""The events of a thread are a chain of their own: sent in order, verifiable, and held by their own refusals only."""

from __future__ import annotations

from datetime import timedelta

import pytest

from rules.record.chain import Event
from rules.threads.commands import CancelThread, HoldThread, ResumeThread
from rules.threads.model import thread_key
from scheduler.feed.discovery import OVERLAP
from store.feed import feed_admin
from store.feed.lanes import TAKEN_AT_PRECISION
from tests.rules.world import SENTA
from tests.scheduler.callbacks.receiver import Receiver
from tests.scheduler.feed.stations import PAUSE, SECRET, Station, refuses, sequences
from tests.store.threads.thread_commands import IN_THREAD, THREAD, give

SECOND = timedelta(seconds=1)
KEY = thread_key(THREAD)


async def held_and_resumed(station: Station) -> list[Event]:
    """The chain of a thread with a package that was held and resumed."""
    await station.world.submit(IN_THREAD)
    for kind in (HoldThread, ResumeThread):
        assert (await give(station.world, kind, SENTA)).refusal is None
    return await station.chain(KEY)


async def test_the_events_of_a_thread_arrive_in_order_as_the_record_holds_them(
    station: Station, receiver: Receiver
) -> None:
    chain = await held_and_resumed(station)
    await station.send()
    of_thread = [got.verify(SECRET) for got in receiver.got if got.payload["subject"] == KEY]
    assert [event["data"] for event in of_thread] == chain
    assert [event["id"] for event in of_thread] == [event["digest"] for event in chain]
    assert [event["type"] for event in of_thread] == ["countersign.thread.held", "countersign.thread.resumed"]
    assert sequences(receiver, KEY) == [1, 2]


async def test_what_people_say_to_a_thread_is_not_in_the_feed(station: Station, receiver: Receiver) -> None:
    await station.world.submit(IN_THREAD)
    await give(station.world, HoldThread, SENTA, reason="zzsecretzz")
    await give(station.world, ResumeThread, SENTA, instruction="zzsecretzz")
    await station.send()
    assert sequences(receiver, KEY) == [1, 2]
    assert not [got for got in receiver.got if b"zzsecretzz" in got.body]


async def test_the_round_finds_an_event_of_a_thread_that_is_not_recent(
    station: Station, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page is full of packages before the thread's turn comes."""
    monkeypatch.setattr("scheduler.feed.discovery.PAGE", 3)
    await station.send()
    await held_and_resumed(station)
    for _ in range(7):
        await station.world.submit()
    station.world.clock.passes(2 * OVERLAP)
    for _ in range(4):
        await station.send()
    assert sequences(receiver, KEY) == [1, 2]


async def test_a_refused_event_of_a_thread_holds_back_the_thread_and_not_its_packages(
    station: Station, receiver: Receiver
) -> None:
    await station.send()
    await held_and_resumed(station)
    refuses(receiver, f'"{KEY}","sequence":"0000000001"', status=413)
    await station.send()
    package = await station.world.submit_and_approve(IN_THREAD, by=SENTA)
    await station.later(2 * TAKEN_AT_PRECISION)
    await station.later(PAUSE + SECOND)
    assert sequences(receiver, package.decision_package_id) == [1, 2, 3]
    assert set(sequences(receiver, KEY)) == {1}
    (held,) = await station.world.read(lambda connection: feed_admin.list_held_chains(connection, 9))
    assert (held.chain_id, held.revision) == (KEY, 1)


async def test_a_refused_event_of_a_thread_can_be_skipped(station: Station, receiver: Receiver) -> None:
    await station.send()
    await held_and_resumed(station)
    refuses(receiver, f'"{KEY}","sequence":"0000000001"', status=413)
    await station.send()
    await station.world.submit()
    await station.later(2 * TAKEN_AT_PRECISION)
    await station.later(PAUSE + SECOND)
    skipped = await station.world.write(lambda connection: feed_admin.skip_held_event(connection, KEY, station.now()))
    assert skipped == ["webhook"]
    await station.send()
    assert sequences(receiver, KEY)[-1] == 2


async def test_a_thread_is_replayed_by_its_key(station: Station, receiver: Receiver) -> None:
    await held_and_resumed(station)
    await station.send()
    receiver.got.clear()
    await station.replay(chain_id=KEY)
    await give(station.world, CancelThread, SENTA)
    await station.send()
    assert sequences(receiver, KEY) == [1, 2, 3]
