"""Statistics on both databases: they agree with a count by hand, and each package is counted once, in its period."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest

from rules.oversight.measures import DecisionPercentiles, Figures, Measure, Percentiles
from rules.oversight.outcomes import Result
from rules.oversight.statistics import Grouping, Statistics
from rules.state.commands import Approve, Defer, Recuse, Reject, Wake
from store.oversight.outcomes import count_all
from store.oversight.statistics import load_statistics
from tests.rules.world import DAY, HOUR, MINUTE, RITA, SAUL, SENTA, SILA, SUSI, ask, policy
from tests.store.oversight.history import (
    approve_critical,
    count_by_hand,
    count_looks_by_hand,
    count_reviewers_by_hand,
    live_through,
    unrelated,
)
from tests.store.world import LASTING, World, open_world

SECOND = 1_000
BUSY = policy(
    **LASTING,
    soft={"sample": 1.0},
    separation={"second_pair_of_eyes": False},
    audit={"sample": {"critical": 1}},
)


@pytest.fixture
async def busy(database_url: str) -> AsyncIterator[World]:
    """After some weeks of reviews."""
    async with open_world(database_url, BUSY) as world:
        await live_through(world)
        yield world


async def load(world: World, since: datetime | None = None, by: Grouping | None = None) -> Statistics:
    await count_all(world.store.database)
    begin = since or world.clock() - 60 * DAY
    return await world.read(lambda connection: load_statistics(connection, begin, world.clock(), by))


def counts_of(figures: Figures) -> dict[str, tuple[int, int]]:
    return {measure.value: (ratio.part, ratio.whole) for measure, ratio in figures.shares.items()}


async def test_without_packages_all_counts_are_zero_and_nothing_is_known(world: World) -> None:
    statistics = await load(world, world.clock() - 7 * DAY)
    assert statistics == Statistics(since=world.clock() - 7 * DAY, until=world.clock())
    assert {ratio.share for ratio in statistics.figures.shares.values()} == {None}


async def test_the_measures_agree_with_a_count_by_hand_over_the_events(busy: World) -> None:
    by_hand = await busy.read(lambda connection: count_by_hand(connection, busy.tenant_id))
    assert counts_of((await load(busy)).figures) == by_hand
    assert {name: part for name, (part, _) in by_hand.items() if not part} == {}


async def test_each_package_has_one_result(busy: World) -> None:
    assert (await load(busy)).figures.results == {
        Result.APPROVED: 16,
        Result.ANSWERED: 1,
        Result.OVERRIDDEN: 1,
        Result.REJECTED: 3,
        Result.TAKEN_OVER: 1,
        Result.CONSENTED: 1,
        Result.AUTOMATIC: 3,
        Result.EXPIRED: 1,
        Result.CANCELLED: 1,
    }


@pytest.mark.parametrize("by", [by for by in Grouping if by is not Grouping.REVIEWER])
async def test_the_groups_add_up_to_the_whole(busy: World, by: Grouping) -> None:
    statistics = await load(busy, by=by)
    for measure, ratio in statistics.figures.shares.items():
        groups = [group.figures.shares[measure] for group in statistics.groups]
        assert (sum(one.part for one in groups), sum(one.whole for one in groups)) == (ratio.part, ratio.whole)
    assert sum(group.figures.ended for group in statistics.groups) == statistics.figures.ended


async def test_groups_have_the_names_that_people_know(busy: World) -> None:
    names = {by: [group.name for group in (await load(busy, by=by)).groups] for by in Grouping}
    assert names == {
        Grouping.AGENT: ["Clerk"],
        Grouping.TYPE: ["record.read"],
        Grouping.ROLE: ["senior_reviewer", "reviewer", "supervisor"],
        Grouping.TIER: ["medium", "high", "critical", "low"],
        Grouping.WEEK: ["2026-W47", "2026-W48", "2026-W49", "2026-W50", "2026-W51"],
        Grouping.REVIEWER: ["senta", "rita", "saul", "susi", "dora"],
    }


async def test_the_measures_by_reviewer_agree_with_a_count_by_hand_over_the_events(busy: World) -> None:
    by_hand = await busy.read(lambda connection: count_reviewers_by_hand(connection, busy.tenant_id))
    groups = (await load(busy, by=Grouping.REVIEWER)).groups
    results = {group.name: {result.value: n for result, n in group.figures.results.items()} for group in groups}
    assert results == by_hand


async def test_blind_looks_are_counted_beside_those_that_nobody_could_give_because_the_judge_left_too(
    busy: World,
) -> None:
    figures = (await load(busy)).figures
    by_hand = await busy.read(lambda connection: count_looks_by_hand(connection, busy.tenant_id))
    ended, impossible = by_hand["review.ended"], by_hand["review.not_possible"]
    assert (figures.blind, figures.not_possible) == (by_hand["review.picked"] - ended, impossible + ended)
    assert all(by_hand.values())


async def test_a_package_that_two_people_approved_counts_for_each_of_them_and_once_in_all(world: World) -> None:
    await approve_critical(world, await world.submit(unrelated("critical")), SUSI, SAUL)
    statistics = await load(world, by=Grouping.REVIEWER)
    assert {group.name: group.figures.ended for group in statistics.groups} == {"susi": 1, "saul": 1}
    assert statistics.figures == (await load(world)).figures
    assert statistics.figures.ended == 1


async def test_each_member_of_a_quorum_has_their_own_time(world: World) -> None:
    state = await world.submit(unrelated("critical"))
    for who in (SUSI, SAUL):
        world.clock.passes(MINUTE)
        await approve_critical(world, state, who)
    times = {group.name: group.figures.times for group in (await load(world, by=Grouping.REVIEWER)).groups}
    assert {name: part.decided.median_ms for name, part in times.items() if part} == {
        "susi": 60 * SECOND,
        "saul": 120 * SECOND,
    }


async def test_a_vote_that_was_outvoted_or_withdrawn_decided_nothing(world: World) -> None:
    rejected = await world.submit(unrelated("critical"))
    await approve_critical(world, rejected, SUSI)
    await world.after(ask(Reject, rejected), SAUL)
    approved = await world.submit(unrelated("critical"))
    await approve_critical(world, approved, SUSI)
    await world.after(ask(Recuse, approved), SUSI)
    await approve_critical(world, approved, SAUL, SILA)
    groups = {group.name: group.figures.results for group in (await load(world, by=Grouping.REVIEWER)).groups}
    assert groups == {"saul": {Result.REJECTED: 1, Result.APPROVED: 1}, "sila": {Result.APPROVED: 1}}


async def test_a_package_counts_in_the_week_in_which_its_review_ended_in_utc(world: World) -> None:
    """Midnight in UTC, whatever the zone of the machine: the clock stands at Friday noon."""
    sunday_midnight = 2 * DAY + 12 * HOUR
    before, after = [await world.submit(unrelated("high")) for _ in range(2)]
    world.clock.passes(sunday_midnight - MINUTE)
    await world.after(ask(Approve, before), SENTA)
    world.clock.passes(MINUTE)
    await world.after(ask(Reject, after), SENTA)
    weeks = {group.name: group.figures.results for group in (await load(world, by=Grouping.WEEK)).groups}
    assert weeks == {"2026-W47": {Result.APPROVED: 1}, "2026-W48": {Result.REJECTED: 1}}


async def test_only_packages_that_ended_in_the_period_are_counted(world: World) -> None:
    await world.submit_and_approve(unrelated(), by=RITA)
    world.clock.passes(HOUR)
    then = world.clock()
    await world.after(ask(Reject, await world.submit(unrelated())), RITA)
    assert (await load(world, then)).figures == Figures()
    assert (await load(world, then - MINUTE)).figures.results == {Result.REJECTED: 1}


async def test_median_and_p90_are_measured_times(world: World) -> None:
    states = [await world.submit(unrelated()) for _ in range(10)]
    for state in states:
        world.clock.passes(MINUTE)
        await world.after(ask(Approve, state), RITA)
    times = (await load(world)).figures.times
    assert times is not None
    assert times.decided == Percentiles(median_ms=5 * 60 * SECOND, p90_ms=9 * 60 * SECOND)


async def test_a_deferral_starts_the_time_to_decide_again(world: World) -> None:
    deferred = await world.after(ask(Defer, await world.submit(unrelated("high"))), SENTA)
    world.clock.passes(10 * MINUTE)
    deferred = await world.after(ask(Wake, deferred), SENTA)
    world.clock.passes(timedelta(seconds=30))
    await world.after(ask(Approve, deferred), SENTA)
    same = Percentiles(median_ms=30 * SECOND, p90_ms=30 * SECOND)
    none = Percentiles(median_ms=0, p90_ms=0)
    times = (await load(world)).figures.times
    assert times == DecisionPercentiles(decided=same, waiting=same, seen=none, reading=none)


async def test_approvals_are_counted_once_whether_edited_deferred_or_sent_back(busy: World) -> None:
    second_week = (await load(busy, by=Grouping.WEEK)).groups[1].figures
    assert second_week.results[Result.APPROVED] == 3
    assert second_week.shares[Measure.REVISION].part == 1


async def test_a_period_within_one_week_can_be_divided_by_week(world: World) -> None:
    await world.after(ask(Reject, await world.submit(unrelated("high"))), SENTA)
    (group,) = (await load(world, world.clock() - HOUR, Grouping.WEEK)).groups
    assert group.figures.ended == 1
