"""Words are emptied when they have been kept as long as the policy says; the record of what happened stays whole."""

from __future__ import annotations

from sqlalchemy import text

from rules.state.commands import Reject
from scheduler.time.retention import Retention
from store.audit.reader import verify_database
from tests.rules.world import DAY, HARD, HOUR, SENTA, ask, policy
from tests.store.world import LASTING, World, founded

KEPT_FOR_A_DAY = policy(retention={"content": "1d"}, **LASTING)


async def kept(world: World) -> int:
    query = text("SELECT count(*) FROM content WHERE words IS NOT NULL")
    return int(await world.read(lambda connection: connection.execute(query).scalar_one()))


async def test_what_ended_long_ago_loses_its_words_and_the_chain_stays_whole(database_url: str) -> None:
    async with founded(database_url, KEPT_FOR_A_DAY) as world:
        state = await world.submit(HARD)
        await world.after(ask(Reject, state, comment="The customer withdrew."), SENTA)
        world.clock.passes(DAY + HOUR)
        await Retention(world.store).tick()
        assert await kept(world) == 0
        assert await world.read(lambda connection: list(verify_database(connection))) == []
        assert (await world.state(state.decision_package_id)).status.terminal


async def test_what_is_open_or_young_keeps_its_words(database_url: str) -> None:
    async with founded(database_url, KEPT_FOR_A_DAY) as world:
        await world.submit(HARD)
        world.clock.passes(2 * DAY)
        young = await world.submit(HARD.model_copy(update={"thread_id": "thr_2"}))
        await world.after(ask(Reject, young, comment="No."), SENTA)
        before = await kept(world)
        await Retention(world.store).tick()
        assert await kept(world) == before > 0


async def test_without_a_term_in_the_policy_nothing_is_ever_emptied(database_url: str) -> None:
    async with founded(database_url) as world:
        state = await world.submit(HARD)
        await world.after(ask(Reject, state, comment="No."), SENTA)
        world.clock.passes(1000 * DAY)
        before = await kept(world)
        await Retention(world.store).tick()
        assert await kept(world) == before > 0
