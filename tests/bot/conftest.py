"""The whole service, listening on a port of its own, on a fresh database of either kind; and a receiver of its callbacks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.bot.service import Desk, opened
from tests.scheduler.callbacks.receiver import Receiver, receiving


@pytest.fixture
async def desk(database_url: str, tmp_path: Path) -> AsyncIterator[Desk]:
    async with opened(database_url, tmp_path) as its:
        yield its


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as its:
        yield its
