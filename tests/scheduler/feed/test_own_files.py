"""Each process writes the feed to its own file, so the trouble of one says nothing about the others."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from datetime import timedelta

import pytest
from sqlalchemy import text

from rules.record.cloud_event import CloudEvent
from scheduler.feed.receiver import Receipt
from scheduler.feed.retries import PAUSES
from store.feed import feed_admin
from store.feed.chains import FeedKind
from store.feed.feed_admin import FeedReport
from store.feed.lanes import FORGOTTEN_AFTER
from tests.rules.world import DAY, SENTA
from tests.scheduler.feed.stations import Station

SECOND = timedelta(seconds=1)


class Disk:
    """A file of one process, whose disk may be full."""

    at_once = 1
    is_shared = False

    def __init__(self, *, is_full: bool = False) -> None:
        self.is_full = is_full
        self.written: list[CloudEvent] = []
        self.attempts = 0

    async def take(self, events: Sequence[CloudEvent]) -> Receipt:
        self.attempts += 1
        if self.is_full:
            return Receipt(0, "cannot be written: No space left on device")
        self.written += events
        return Receipt(len(events))


@pytest.fixture
def full(station: Station) -> Station:
    return Station(station.world, Disk(is_full=True), FeedKind.FILE)


@pytest.fixture
def well(station: Station) -> Station:
    return Station(station.world, Disk(), FeedKind.FILE)


def disk_of(station: Station) -> Disk:
    disk = station.sender._receiver
    assert isinstance(disk, Disk)
    return disk


async def report_of(station: Station) -> FeedReport:
    (report,) = await station.world.read(feed_admin.report_feeds)
    return report


async def test_a_process_whose_disk_is_full_leaves_the_events_to_the_others(full: Station, well: Station) -> None:
    for _ in range(5):
        await full.world.submit_and_approve(by=SENTA)
        await full.send()
        await well.send()
    assert (len(disk_of(well).written), disk_of(full).attempts) == (2 + 5 * 3, 1)
    assert (await report_of(full)).behind == 0


async def test_no_event_is_given_up_and_the_trouble_names_the_machine_until_it_is_over(
    full: Station, well: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(well.sender, "_own_prefix", "another: ")
    for _ in range(20):
        await full.world.submit()
        await full.later(DAY / 4)
        await well.later(DAY / 4)
        report = await report_of(full)
        assert report.is_in_trouble
        assert report.lane.last_error == f"{platform.node()}: cannot be written: No space left on device"
    disk_of(full).is_full = False
    await full.world.submit()
    await full.later(DAY / 4)
    assert not (await report_of(full)).is_in_trouble
    assert (await report_of(full)).lost == 0
    query = text("SELECT max(attempts) FROM feed_positions WHERE feed = 'file'")
    assert await full.world.read(lambda connection: connection.execute(query).scalar_one()) == 0


async def test_the_trouble_of_a_process_that_is_gone_is_forgotten(
    full: Station, well: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(well.sender, "_own_prefix", "another: ")
    await full.send()
    await well.later(FORGOTTEN_AFTER)
    assert (await report_of(full)).is_in_trouble
    await full.world.submit()
    await well.later(PAUSES[-1])
    assert not (await report_of(full)).is_in_trouble


async def test_a_process_whose_disk_is_full_tries_again_ever_more_rarely(full: Station) -> None:
    await full.send()
    for count, pause in enumerate((*PAUSES, PAUSES[-1]), 1):
        await full.later(pause / 2)
        assert disk_of(full).attempts == count
        await full.later(pause / 2 + SECOND)
        assert disk_of(full).attempts == count + 1
    disk_of(full).is_full = False
    await full.later(PAUSES[-1] + SECOND)
    assert (await report_of(full)).behind == 0
