"""Packages that used or asked for an exception to a rule are not replayed, and are counted as that."""

from __future__ import annotations

from rules.oversight.replay import Obstacle
from tests.rules.exceptions.excepting import costly
from tests.store.audit.test_policy_replay import compare, obstacles
from tests.store.packages.test_exceptions import MARKED, grant
from tests.store.replaying import keep_moving
from tests.store.world import open_world


async def test_an_exception_and_its_use_are_not_replayed_and_all_else_is(database_url: str) -> None:
    async with open_world(database_url, MARKED) as world:
        keep_moving(world)
        await world.submit(costly(action_parameters={"order": "1"}))
        await grant(world)
        await world.submit(costly())
        comparison = compare(world, MARKED)
    assert (obstacles(comparison), comparison.total.replayed) == ({Obstacle.EXCEPTION: 2}, 1)
