"""Whose people have gone: tasks go to delegates and back, and climb where nobody is left."""

from __future__ import annotations

from rules.commands import ClaimTask
from rules.state import Status
from tests.rules.world import DAY, HARD, HOUR, SENTA, SVEN, ask, people, policy
from tests.scheduler.clockwork import Clockwork
from tests.store.world import LASTING, founded

SENIORS_AND_ABOVE = (SENTA, SVEN, "USUSI", "USAUL", "USILA", "UDORA")


async def test_a_task_goes_to_the_delegate_and_comes_back(clockwork: Clockwork) -> None:
    state = await clockwork.world.submit(HARD)
    await clockwork.world.after(ask(ClaimTask, state), SENTA)
    await clockwork.leaves(SENTA, clockwork.world.clock.now + DAY, SVEN)
    await clockwork.relief.tick()
    assert (await clockwork.now(state)).task.assigned_to == SVEN
    await clockwork.comes_back(SENTA)
    await clockwork.relief.tick()
    assert (await clockwork.now(state)).task.assigned_to == SENTA


async def test_an_absence_that_ends_by_itself_brings_the_task_back(clockwork: Clockwork) -> None:
    state = await clockwork.world.submit(HARD)
    await clockwork.world.after(ask(ClaimTask, state), SENTA)
    await clockwork.leaves(SENTA, clockwork.world.clock.now + HOUR, SVEN)
    await clockwork.relief.tick()
    await clockwork.lives(HOUR)
    await clockwork.relief.tick()
    assert (await clockwork.now(state)).task.assigned_to == SENTA


async def test_a_task_without_a_delegate_is_for_whoever_takes_it(clockwork: Clockwork) -> None:
    state = await clockwork.world.submit(HARD)
    await clockwork.world.after(ask(ClaimTask, state), SENTA)
    await clockwork.leaves(SENTA, clockwork.world.clock.now + DAY)
    await clockwork.relief.tick()
    assert (await clockwork.now(state)).task.assigned_to is None


async def test_a_task_that_nobody_is_left_for_climbs_at_once(database_url: str) -> None:
    apart = policy(roles={"director": {"includes": []}}, **LASTING)
    async with founded(database_url, apart) as world:
        clockwork = await Clockwork.wound_up(world)
        state = await world.submit(HARD)
        for who in SENIORS_AND_ABOVE[:-1]:
            await clockwork.leaves(who, world.clock.now + DAY)
        await clockwork.relief.tick()
        after = await clockwork.now(state)
    assert (after.status, after.task.required_role) == (Status.PENDING, "director")


async def test_where_nobody_is_anywhere_the_deadline_tells(clockwork: Clockwork) -> None:
    state = await clockwork.world.submit(HARD)
    for who in SENIORS_AND_ABOVE:
        await clockwork.leaves(who, clockwork.world.clock.now + DAY)
    await clockwork.relief.tick()
    assert (await clockwork.now(state)).task == state.task


async def test_a_reviewer_who_was_deactivated_loses_the_task(clockwork: Clockwork) -> None:
    state = await clockwork.world.submit(HARD)
    await clockwork.world.after(ask(ClaimTask, state), SENTA)
    await clockwork.world.people_are(people(**{SENTA: {"active": False}}))
    await clockwork.relief.tick()
    assert (await clockwork.now(state)).task.assigned_to is None


async def test_nothing_is_looked_for_until_somebody_goes_or_comes(clockwork: Clockwork) -> None:
    await clockwork.world.submit(HARD)
    await clockwork.relief.tick()
    before = clockwork.relief._looked_at
    await clockwork.relief.tick()
    assert clockwork.relief._looked_at == before
