"""Fixtures: a running service, alone or with a stand-in for Slack, and a receiver of callbacks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.bot.service import Desk, open_desk
from tests.bot.slack.office import Office, open_office
from tests.scheduler.callbacks.receiver import Receiver, open_receiver


@pytest.fixture
async def desk(database_url: str, tmp_path: Path) -> AsyncIterator[Desk]:
    async with open_desk(database_url, tmp_path) as desk:
        yield desk


@pytest.fixture
async def office(database_url: str, tmp_path: Path) -> AsyncIterator[Office]:
    async with open_office(database_url, tmp_path) as office:
        yield office


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with open_receiver() as receiver:
        yield receiver
