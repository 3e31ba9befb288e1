"""A receiver of the feed, and a feed that may call it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.scheduler.callbacks.receiver import Receiver, open_receiver
from tests.scheduler.feed.stations import Station, open_station
from tests.store.world import open_world


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with open_receiver() as started:
        yield started


@pytest.fixture
async def station(database_url: str, receiver: Receiver) -> AsyncIterator[Station]:
    """The feed has begun before anything happened but the first events of the tenant."""
    async with open_world(database_url) as world, open_station(world, receiver.url()) as started:
        yield started
