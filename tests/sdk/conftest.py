"""The real service with the stand-in for Slack, on SQLite: agents cannot tell the databases apart."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from countersign import AsyncClient, Client
from tests.bot.slack.office import Office, open_office
from tests.sdk.agents import QUICK, Agent, Threaded
from tests.sdk.network import Network, network
from tests.sdk.records import Records


@pytest.fixture
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    template: Path = request.getfixturevalue("_sqlite_template")
    return f"sqlite:///{shutil.copy(template, tmp_path / 'countersign.db')}"


@pytest.fixture
async def office(database_url: str, tmp_path: Path) -> AsyncIterator[Office]:
    async with open_office(database_url, tmp_path) as its:
        yield its


@pytest.fixture
async def wire(office: Office) -> AsyncIterator[Network]:
    async with network(office.url) as its:
        yield its


@pytest.fixture(params=["sync", "async"])
async def agent(request: pytest.FixtureRequest, office: Office, wire: Network) -> AsyncIterator[Agent]:
    """The same agent in either kind of code."""
    if request.param == "async":
        async with AsyncClient(wire.url, office.key, patience=QUICK) as client:
            yield Agent(office, client, wire)
    else:
        with Client(wire.url, office.key, patience=QUICK) as its:
            yield Agent(office, Threaded(its), wire)


@pytest.fixture
def watcher(office: Office, wire: Network) -> Agent:
    """Sees what agents in processes of their own propose, and proposes nothing."""
    return Agent(office, None, wire)


@pytest.fixture
def records() -> Records:
    return Records()
