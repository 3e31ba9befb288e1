"""Fixtures: a running service, alone or with a stand-in for Slack, and a receiver of callbacks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.bot.service import AgentApi, open_api
from tests.bot.slack.office import Office, open_office
from tests.scheduler.callbacks.receiver import Receiver, open_receiver


@pytest.fixture
async def api(database_url: str, tmp_path: Path) -> AsyncIterator[AgentApi]:
    async with open_api(database_url, tmp_path) as api:
        yield api


@pytest.fixture
async def office(database_url: str, tmp_path: Path) -> AsyncIterator[Office]:
    async with open_office(database_url, tmp_path) as office:
        yield office


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with open_receiver() as receiver:
        yield receiver
