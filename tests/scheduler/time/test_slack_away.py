"""Since when Slack is away, as the heartbeats of the replicas know it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from sqlalchemy import update

from store.installation import presence
from store.outbox.cards import CARDS
from tests.rules.world import HARD, HOUR, MINUTE, policy
from tests.scheduler.time.clockwork import Clockwork
from tests.store.world import LASTING, World, open_world, replica

MOMENT = timedelta(milliseconds=50)


@pytest.fixture
async def with_channel(database_url: str) -> AsyncIterator[Clockwork]:
    """Packages are shown in a channel."""
    async with open_world(database_url, policy(**LASTING, channels={"default": "C1"})) as world:
        yield await Clockwork.start(world)


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


async def test_slack_is_away_while_cards_wait_and_none_gets_through(with_channel: Clockwork) -> None:
    """It answers, and takes no card."""
    await with_channel.world.submit(HARD)
    for _ in range(3):
        await with_channel.lives(4 * MINUTE)
    assert await away_for(with_channel) == 8 * MINUTE


async def test_a_queue_in_which_cards_get_through_is_not_slack_away(with_channel: Clockwork) -> None:
    """There is always one that waits, but Slack takes one after the other."""
    await with_channel.world.submit(HARD)
    for _ in range(3):
        await with_channel.lives(4 * MINUTE)
        with_channel.delivered_at = with_channel.world.clock()
    await with_channel.lives(timedelta(seconds=5))
    assert await away_for(with_channel) == timedelta(seconds=5)


async def test_a_card_that_slack_refuses_for_its_place_or_text_does_not_make_slack_away(
    with_channel: Clockwork,
) -> None:
    """It would send everyone mails about what they can see in Slack. Another card that waits still counts."""
    await with_channel.world.submit(HARD)
    refused = update(CARDS).values(refused=True)
    await with_channel.world.write(lambda connection: connection.execute(refused))
    for _ in range(3):
        await with_channel.lives(4 * MINUTE)
    before = await away_for(with_channel)
    await with_channel.world.submit(HARD)
    for _ in range(3):
        await with_channel.lives(4 * MINUTE)
    assert (before, await away_for(with_channel)) == (None, 8 * MINUTE)


async def test_a_card_that_is_posted_ends_the_outage(with_channel: Clockwork) -> None:
    state = await with_channel.world.submit(HARD)
    for _ in range(3):
        await with_channel.lives(4 * MINUTE)
    await with_channel.world.save_card(state)
    await with_channel.lives(MINUTE)
    assert await away_for(with_channel) is None


async def test_slack_is_away_while_no_click_can_reach_any_process(clockwork: Clockwork) -> None:
    clockwork.transport.open = False
    await clockwork.lives(MINUTE)
    await clockwork.lives(4 * MINUTE)
    before = await away_for(clockwork)
    clockwork.transport.open = True
    await clockwork.lives(MINUTE)
    assert (before, await away_for(clockwork)) == (4 * MINUTE, None)


async def test_slack_is_not_away_if_clicks_can_reach_one_of_two_replicas(clockwork: Clockwork) -> None:
    async with replica(clockwork.world) as world:
        other = await Clockwork.start(world)
        clockwork.transport.open = False
        for _ in range(2):
            await clockwork.lives(5 * MINUTE)
            await other.heart.time_skipped()
        assert await away_for(clockwork) is None


async def test_a_process_that_starts_while_no_click_arrives_does_not_set_back_the_start(clockwork: Clockwork) -> None:
    """Its first call to Slack takes a moment, so its loss is noted after its first sign of life."""
    clockwork.transport.open = False
    for _ in range(2):
        await clockwork.lives(5 * MINUTE)
    async with replica(clockwork.world) as world:
        await _starts_late(world, deaf=True)
        assert await away_for(clockwork) == 5 * MINUTE + MOMENT


async def test_a_process_that_starts_while_cards_wait_does_not_set_back_the_start(with_channel: Clockwork) -> None:
    await with_channel.world.submit(HARD)
    for _ in range(3):
        await with_channel.lives(4 * MINUTE)
    async with replica(with_channel.world) as world:
        await _starts_late(world, deaf=False)
        assert await away_for(with_channel) == 8 * MINUTE + MOMENT


async def test_a_process_that_does_not_know_whether_clicks_reach_it_does_not_end_the_outage(
    clockwork: Clockwork,
) -> None:
    clockwork.transport.open = False
    for _ in range(2):
        await clockwork.lives(5 * MINUTE)
    async with replica(clockwork.world) as world:
        other = Clockwork(world)
        other.transport.is_known = False
        await other.heart.tick()
        assert await away_for(clockwork) == 5 * MINUTE


async def _starts_late(world: World, *, deaf: bool) -> None:
    starting = Clockwork(world, before_reach=lambda: world.clock.passes(MOMENT))
    starting.transport.open = not deaf
    await starting.heart.tick()
