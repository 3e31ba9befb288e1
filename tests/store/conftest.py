"""Every test of the store may ask for a house, or for a bare table, on a fresh database of either kind."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text

from store import notifier as store_notifier
from store import waiters as store_waiters
from store.engine.database import Database, open_database
from tests.store.notes import MAKE
from tests.store.waiting import FOR_EVER
from tests.store.world import World, founded


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with founded(database_url) as fixture:
        yield fixture


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A database with a table of notes, and nothing of the house above it."""
    fixture = open_database(database_url)
    await fixture.write(lambda connection: connection.execute(text(MAKE)))
    yield fixture
    await fixture.close()


@pytest.fixture
async def quiet(database_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    """A house in which the slow poll never comes: who is woken was woken by somebody."""
    monkeypatch.setattr(store_waiters, "SLOW_POLL", FOR_EVER)
    monkeypatch.setattr(store_notifier, "RECONNECT", 0.05)
    async with founded(database_url) as world:
        yield world
