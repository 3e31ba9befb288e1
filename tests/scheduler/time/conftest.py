"""A world with a heartbeat and a sweep on a clock that is moved by hand."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.scheduler.time.clockwork import Clockwork
from tests.store.world import open_world


@pytest.fixture
async def clockwork(database_url: str) -> AsyncIterator[Clockwork]:
    async with open_world(database_url) as world:
        yield await Clockwork.start(world)
