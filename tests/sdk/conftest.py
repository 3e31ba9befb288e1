"""The real service with the playground as Slack, on SQLite: agents cannot tell the databases apart."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from countersign import AsyncClient, Client
from tests.bot.slack.office import Office, open_office
from tests.sdk.agents import QUICK, Agent, ThreadedCalls
from tests.sdk.network import Network, run_network
from tests.sdk.records import Records


@pytest.fixture
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    template: Path = request.getfixturevalue("_sqlite_template")
    return f"sqlite:///{shutil.copy(template, tmp_path / 'countersign.db')}"


@pytest.fixture
async def office(database_url: str, tmp_path: Path) -> AsyncIterator[Office]:
    async with open_office(database_url, tmp_path) as opened:
        yield opened


@pytest.fixture
async def wire(office: Office) -> AsyncIterator[Network]:
    async with run_network(office.url) as connection:
        yield connection


@pytest.fixture(params=["sync", "async"])
async def agent(request: pytest.FixtureRequest, office: Office, wire: Network) -> AsyncIterator[Agent]:
    """The same agent in sync and in async code."""
    if request.param == "async":
        async with AsyncClient(wire.url, office.key, patience=QUICK) as client:
            yield Agent(office, client, wire)
    else:
        with Client(wire.url, office.key, patience=QUICK) as sync_client:
            yield Agent(office, ThreadedCalls(sync_client), wire)


@pytest.fixture
def watcher(office: Office, wire: Network) -> Agent:
    """Watches the packages of agents in other processes, and proposes nothing itself."""
    return Agent(office, None, wire)


@pytest.fixture
def records() -> Records:
    return Records()
