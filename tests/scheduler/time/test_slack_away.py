"""Since when Slack is away, as the heartbeats of the replicas know it."""

from __future__ import annotations

from datetime import timedelta

from store.installation import presence
from tests.rules.world import HOUR, MINUTE
from tests.scheduler.time.clockwork import Clockwork
from tests.store.world import replica


async def away_for(clockwork: Clockwork) -> timedelta | None:
    world = clockwork.world
    now = world.clock()
    since = await world.read(lambda connection: presence.slack_away_since(connection, world.tenant_id, now))
    return now - since if since else None


async def test_slack_that_answers_is_not_away(clockwork: Clockwork) -> None:
    await clockwork.lives(10 * MINUTE)
    assert await away_for(clockwork) is None


async def test_slack_is_away_since_the_last_beat_that_reached_it(clockwork: Clockwork) -> None:
    await clockwork.lives(10 * MINUTE)
    clockwork.slack_is_there = False
    await clockwork.lives(4 * MINUTE)
    await clockwork.lives(3 * MINUTE)
    assert await away_for(clockwork) == 7 * MINUTE


async def test_slack_is_back_with_the_first_beat_that_reaches_it(clockwork: Clockwork) -> None:
    clockwork.slack_is_there = False
    await clockwork.lives(10 * MINUTE)
    clockwork.slack_is_there = True
    await clockwork.lives(MINUTE)
    assert await away_for(clockwork) is None


async def test_a_process_that_slept_does_not_know_what_was_meanwhile(clockwork: Clockwork) -> None:
    clockwork.slack_is_there = False
    await clockwork.sleeps(HOUR)
    assert await away_for(clockwork) == timedelta(0)


async def test_slack_is_not_away_if_one_of_two_replicas_reaches_it(clockwork: Clockwork) -> None:
    async with replica(clockwork.world) as world:
        other = await Clockwork.start(world)
        clockwork.slack_is_there = False
        await clockwork.lives(10 * MINUTE)
        await other.heart.time_skipped()
        assert await away_for(clockwork) is None
        other.slack_is_there = False
        await clockwork.lives(MINUTE)
        await other.heart.time_skipped()
        assert await away_for(clockwork) == MINUTE


async def test_a_stale_policy_or_directory_does_not_make_slack_seem_away(clockwork: Clockwork) -> None:
    await clockwork.lives(2000 * 24 * HOUR)
    assert await away_for(clockwork) is None
