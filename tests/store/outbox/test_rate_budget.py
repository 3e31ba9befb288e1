"""All replicas share one budget for Slack."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence

import pytest
from sqlalchemy import Connection, text

from store.outbox import rate_budget
from store.outbox.rate_budget import POSTS, Rates, Window, of_channel
from tests.store.waiting_agents import soon
from tests.store.world import World

ONE = Rates(channel=Window(1, 60))
KEYS = [POSTS, of_channel("C1")]
_WAITS = text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")


def somebody_waits(world: World) -> None:
    """Return once a transaction waits for a lock."""
    with world.store.database.engine.connect() as connection:
        while not connection.execute(_WAITS).scalar_one():
            connection.rollback()


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_waiter_for_the_budget_sees_the_first_call_to_a_channel_made_meanwhile(world: World) -> None:
    spending, go_on = threading.Event(), threading.Event()

    def spend(connection: Connection, keys: Sequence[str] = KEYS, now: float = 100.0) -> float:
        budget = rate_budget.lock_budget(connection, world.tenant_id, ONE, now)
        budget.spend(keys)
        rate_budget.save_budget(connection, world.tenant_id, budget)
        return budget.wait(keys)

    def spend_slowly(connection: Connection) -> None:
        budget = rate_budget.lock_budget(connection, world.tenant_id, ONE, 100.0)
        spending.set()
        go_on.wait(30)
        budget.spend(KEYS)
        rate_budget.save_budget(connection, world.tenant_id, budget)

    await world.write(lambda connection: spend(connection, [POSTS, of_channel("C2")], 99.0))
    first = asyncio.create_task(world.write(spend_slowly))
    await asyncio.to_thread(spending.wait, 30)
    second = asyncio.create_task(world.write(spend))
    await asyncio.to_thread(somebody_waits, world)
    go_on.set()
    await soon(first)
    assert await soon(second) == pytest.approx(60.02)
