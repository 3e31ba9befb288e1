"""The clock counts what came of packages, so that no decision has to wait for it."""

from __future__ import annotations

from sqlalchemy import func, select

from scheduler.time.outcomes import OutcomeCounting
from store.oversight.outcomes import AT_ONCE, OUTCOMES
from tests.scheduler.time.clockwork import Clockwork
from tests.store.oversight.history import unrelated
from tests.store.world import World


async def count_outcomes(world: World) -> int:
    query = select(func.count()).select_from(OUTCOMES)
    return int(await world.read(lambda connection: connection.execute(query).scalar_one()))


async def test_the_clock_counts_all_packages_that_ended_since_it_last_looked(clockwork: Clockwork) -> None:
    world = clockwork.world
    for _ in range(AT_ONCE + 1):
        await world.submit(unrelated("low"))
    assert await count_outcomes(world) == 0
    await OutcomeCounting(world.store).tick()
    assert await count_outcomes(world) == AT_ONCE + 1
