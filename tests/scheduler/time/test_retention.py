"""Content is emptied after the policy's retention period; the record stays complete."""

from __future__ import annotations

from sqlalchemy import text

from rules.state.commands import Reject
from rules.threads.commands import HoldThread, ResumeThread
from scheduler.time.retention import Retention
from store.audit.reader import verify_database
from store.threads.thread_store import ThreadStore
from tests.rules.world import DAY, HARD, HOUR, SENTA, ask, policy
from tests.store.world import LASTING, World, fresh, open_world, reviewer

KEPT_FOR_A_DAY = policy(retention={"content": "1d"}, **LASTING)


async def count_kept(world: World) -> int:
    query = text("SELECT count(*) FROM content WHERE words IS NOT NULL")
    return int(await world.read(lambda connection: connection.execute(query).scalar_one()))


async def test_old_closed_packages_are_emptied_and_the_chain_stays_valid(database_url: str) -> None:
    async with open_world(database_url, KEPT_FOR_A_DAY) as world:
        state = await world.submit(HARD)
        await world.after(ask(Reject, state, comment="The customer withdrew."), SENTA)
        world.clock.passes(DAY + HOUR)
        await Retention(world.store).tick()
        assert await count_kept(world) == 0
        assert await world.read(lambda connection: list(verify_database(connection))) == []
        assert (await world.state(state.decision_package_id)).status.terminal


async def test_the_words_of_a_quiet_thread_are_emptied_and_those_of_a_held_one_stay(database_url: str) -> None:
    async with open_world(database_url, KEPT_FOR_A_DAY) as world:
        threads = ThreadStore(world.store)
        for name in ("quiet", "held"):
            hold = HoldThread(command_id=fresh("cmd"), thread_id=name, reason="The customer is calling.")
            await world.submit(HARD.model_copy(update={"thread_id": name}))
            assert (await threads.execute(hold, reviewer(SENTA))).refusal is None
        resume = ResumeThread(command_id=fresh("cmd"), thread_id="quiet", instruction="Go on.")
        assert (await threads.execute(resume, reviewer(SENTA))).refusal is None
        world.clock.passes(DAY + HOUR)
        before = await count_kept(world)
        await Retention(world.store).tick()
        assert await count_kept(world) == before - 2
        assert await world.read(lambda connection: list(verify_database(connection))) == []


async def test_a_held_approval_keeps_its_content_until_it_can_be_used(database_url: str) -> None:
    async with open_world(database_url, KEPT_FOR_A_DAY) as world:
        threads = ThreadStore(world.store)
        approved = await world.submit_and_approve(HARD.model_copy(update={"thread_id": "held"}), by=SENTA)
        hold = HoldThread(command_id=fresh("cmd"), thread_id="held", reason="The customer is calling.")
        assert (await threads.execute(hold, reviewer(SENTA))).refusal is None
        world.clock.passes(3 * DAY)
        await Retention(world.store).tick()
        resume = ResumeThread(command_id=fresh("cmd"), thread_id="held")
        assert (await threads.execute(resume, reviewer(SENTA))).refusal is None
        assert (await world.claim(approved)).refusal is None


async def test_open_and_recent_packages_keep_their_content(database_url: str) -> None:
    async with open_world(database_url, KEPT_FOR_A_DAY) as world:
        await world.submit(HARD)
        world.clock.passes(2 * DAY)
        young = await world.submit(HARD.model_copy(update={"thread_id": "thr_2"}))
        await world.after(ask(Reject, young, comment="No."), SENTA)
        before = await count_kept(world)
        await Retention(world.store).tick()
        assert await count_kept(world) == before > 0


async def test_without_a_retention_period_nothing_is_emptied(database_url: str) -> None:
    async with open_world(database_url) as world:
        state = await world.submit(HARD)
        await world.after(ask(Reject, state, comment="No."), SENTA)
        world.clock.passes(1000 * DAY)
        before = await count_kept(world)
        await Retention(world.store).tick()
        assert await count_kept(world) == before > 0
