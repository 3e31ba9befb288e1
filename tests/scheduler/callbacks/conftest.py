"""A receiver, and a callback sender that may call it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.scheduler.callbacks.receiver import Receiver, open_receiver
from tests.scheduler.callbacks.rounds import Rounds, open_rounds
from tests.store.world import open_world


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with open_receiver() as started:
        yield started


@pytest.fixture
async def rounds(database_url: str) -> AsyncIterator[Rounds]:
    async with open_world(database_url) as world, open_rounds(world) as started:
        yield started
