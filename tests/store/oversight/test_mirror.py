"""The mirror of a person agrees with a count by hand over the events of what that person did."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import Connection

from rules.oversight.measures import Ratio
from rules.oversight.mirror import Mirror
from rules.state.commands import Approve, Assign, Judge, OpenDetails, Reject
from store.audit.reader import read_trails
from store.oversight.mirror import load_mirror
from store.oversight.outcomes import count_all
from tests.rules.world import ADAM, DAY, MINUTE, RITA, SAUL, SENTA, SUSI, SVEN, ask
from tests.store.oversight.history import approve_critical, live_through, unrelated
from tests.store.oversight.test_statistics import BUSY
from tests.store.world import World, open_world


@pytest.fixture
async def busy(database_url: str) -> AsyncIterator[World]:
    async with open_world(database_url, BUSY) as world:
        await live_through(world)
        yield world


async def mirror_of(world: World, user_id: str) -> Mirror:
    await count_all(world.store.database)
    return await world.read(lambda connection: load_mirror(connection, world.tenant_id, user_id, world.clock()))


def count_decided(connection: Connection, world: World, user_id: str) -> int:
    """The reviews of the last 30 days whose last event names this person as a reviewer."""
    since = (world.clock() - 30 * DAY).isoformat()
    trails: list[list[Any]] = [trail.events for trail in read_trails(connection, world.tenant_id)]
    ends = [next((event for event in events if _ends_review(event)), None) for events in trails]
    return sum(user_id in _reviewers(event) for event in ends if event and event["occurred_at"] > since)


def _ends_review(event: dict[str, Any]) -> bool:
    return event["event_type"] in {
        f"package.{end}" for end in ("approved", "overridden", "rejected", "taken_over", "consented", "expired")
    }


def _reviewers(event: dict[str, Any]) -> list[str]:
    return [seat["reviewer_id"] for seat in event["change"]["decision"]["reviewers"]]


@pytest.mark.parametrize("user_id", [RITA, SENTA, SUSI, SAUL])
async def test_what_a_person_decided_agrees_with_a_count_by_hand(busy: World, user_id: str) -> None:
    by_hand = await busy.read(lambda connection: count_decided(connection, busy, user_id))
    assert (await mirror_of(busy, user_id)).decided == by_hand
    assert by_hand > 0


async def test_who_has_decided_nothing_sees_zeros(world: World) -> None:
    assert await mirror_of(world, RITA) == Mirror()


async def test_it_tells_each_person_about_their_own_decisions_alone(world: World) -> None:
    for minutes, read in ((1, True), (3, False), (9, False)):
        state = await world.submit(unrelated("high"))
        world.clock.passes(minutes * MINUTE)
        for _ in range(read):
            await world.after(ask(OpenDetails, state), SENTA)
        await world.after(ask(Approve, state), SENTA)
    await world.after(ask(Reject, await world.submit(unrelated("high"))), SVEN)
    waiting = await world.submit(unrelated("high"))
    await world.after(ask(Assign, waiting, assignee=SVEN), ADAM)
    assert await mirror_of(world, SENTA) == Mirror(
        decided=3, median_ms=180_000, without_details=Ratio(part=2, whole=3), this_week=3
    )
    assert await mirror_of(world, SVEN) == Mirror(decided=1, median_ms=0, open_tasks=1, this_week=1)


async def test_disagreement_counts_for_everyone_who_judged_the_same_version(world: World) -> None:
    split = await world.submit(unrelated("critical"))
    await approve_critical(world, split, SUSI)
    await world.after(ask(Reject, split), SAUL)
    await approve_critical(world, await world.submit(unrelated("critical")), SUSI, SAUL)
    assert [(await mirror_of(world, who)).disagreement for who in (SUSI, SAUL)] == [Ratio(part=1, whole=2)] * 2


async def test_a_blind_look_counts_for_the_judge_and_for_those_who_approved(database_url: str) -> None:
    async with open_world(database_url, BUSY) as world:
        state = await approve_critical(world, await world.submit(unrelated("critical")), SUSI, SAUL)
        assert state.open_look is not None
        judge = state.open_look.judge
        await world.after(ask(Judge, state, verdict="unsound"), judge)
        for who in (SUSI, SAUL):
            mirror = await mirror_of(world, who)
            assert (mirror.disagreement, mirror.unsound) == (Ratio(part=1, whole=1), Ratio(part=1, whole=1))
        own = await mirror_of(world, judge)
        assert (own.decided, own.disagreement, own.unsound) == (0, Ratio(part=1, whole=1), Ratio())


async def test_older_decisions_are_not_in_it(world: World) -> None:
    await world.submit_and_approve(unrelated("high"), by=SENTA)
    world.clock.passes(8 * DAY)
    assert (await mirror_of(world, SENTA)).this_week == 0
    world.clock.passes(23 * DAY)
    assert await mirror_of(world, SENTA) == Mirror()
