"""Fixtures: an installation or a bare table in a fresh database, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text

from store import notifier as store_notifier
from store import waiters as store_waiters
from store.engine.database import Database, open_database
from tests.store.notes import MAKE
from tests.store.waiting_agents import FOR_EVER
from tests.store.world import World, open_world


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with open_world(database_url) as fixture:
        yield fixture


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A database that contains only a table of notes."""
    fixture = open_database(database_url)
    await fixture.write(lambda connection: connection.execute(text(MAKE)))
    yield fixture
    await fixture.close()


@pytest.fixture
async def quiet(database_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    """An installation without the slow poll: a waiter is woken only by a change."""
    monkeypatch.setattr(store_waiters, "SLOW_POLL", FOR_EVER)
    monkeypatch.setattr(store_notifier, "RECONNECT", 0.05)
    async with open_world(database_url) as world:
        yield world
