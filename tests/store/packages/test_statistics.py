"""Statistics on both databases: each package is counted once and only in its period."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from rules.package.model import DecisionPackage
from rules.record.statistics import Statistics
from rules.state.commands import Approve, HumanOverrideCommand, Judge, OpenDetails, Reject, Revise
from rules.state.model import Status
from rules.state.service_commands import Consent, Expire
from store.packages.queue import list_unjudged
from store.packages.statistics import load_statistics
from tests.rules.world import (
    AUTOMATIC,
    CRITICAL,
    DAY,
    HOUR,
    MINUTE,
    RITA,
    ROSS,
    SAUL,
    SENTA,
    SUSI,
    ask,
    package,
    policy,
)
from tests.store.world import LASTING, World, fresh, open_world


def another(risk: str = "medium", **fields: object) -> DecisionPackage:
    """A package unrelated to earlier ones."""
    return package(risk_level=risk, action_parameters={"record": fresh("record")}, **fields)


async def load_counts(world: World, since: datetime | None = None) -> Statistics:
    begin = since or world.clock() - 7 * DAY
    return await world.read(lambda connection: load_statistics(connection, begin, world.clock()))


async def test_without_packages_all_counts_are_zero_and_all_shares_are_none(world: World) -> None:
    stats = await load_counts(world)
    assert stats == Statistics(since=world.clock() - 7 * DAY, until=world.clock())
    assert (stats.waiting, stats.decided, stats.rates) == (0, 0, {})
    assert (stats.median_ms, stats.p90_ms, stats.overridden_share, stats.unsound_share) == (None, None, None, None)


async def test_each_package_is_counted_under_its_final_status(world: World) -> None:
    await world.submit(another("low"))
    await world.submit_and_approve(another(), by=RITA)
    await world.after(ask(Reject, await world.submit(another())), RITA)
    await world.after(ask(Revise, await world.submit(another())), RITA)
    await world.submit(another())
    stats = await load_counts(world)
    assert stats.settled == {Status.APPROVED: 1, Status.REJECTED: 1}
    assert (stats.automatic, stats.decided, stats.waiting) == (1, 2, 1)


async def test_outcomes_by_silence_or_timeout_are_not_counted_as_decisions(world: World) -> None:
    consented = await world.submit_and_show(another())
    expired = await world.submit(another("high", expires_at=world.clock() + MINUTE))
    world.clock.passes(6 * MINUTE)
    await world.after(ask(Consent, consented))
    await world.after(Expire(command_id=fresh("cmd"), decision_package_id=expired.decision_package_id))
    stats = await load_counts(world)
    assert stats.settled == {Status.CONSENTED: 1, Status.EXPIRED: 1}
    assert stats.decided == 0


async def test_every_vote_of_a_quorum_counts_as_a_decision_and_the_package_once(world: World) -> None:
    state = await world.submit(CRITICAL)
    for who in (SENTA, SUSI, SAUL):
        await world.after(ask(OpenDetails, state), who)
    await world.after(ask(Approve, state), SUSI)
    await world.after(ask(Approve, state), SAUL)
    await world.after(ask(Reject, await world.submit(another())), ROSS)
    stats = await load_counts(world)
    assert stats.decisions == {"approve": 2, "reject": 1}
    assert stats.rates == {"approve": pytest.approx(2 / 3), "reject": pytest.approx(1 / 3)}
    assert stats.settled == {Status.APPROVED: 1, Status.REJECTED: 1}


async def test_only_events_in_the_period_are_counted(world: World) -> None:
    await world.submit_and_approve(another(), by=RITA)
    world.clock.passes(HOUR)
    then = world.clock()
    world.clock.passes(HOUR)
    await world.after(ask(Reject, await world.submit(another())), RITA)
    stats = await load_counts(world, then)
    assert (stats.settled, stats.decisions) == ({Status.REJECTED: 1}, {"reject": 1})
    assert (await load_counts(world, world.clock())).decisions == {}


async def test_median_and_p90_are_measured_times(world: World) -> None:
    start = world.clock()
    states = [await world.submit(another()) for _ in range(10)]
    for state in states:
        world.clock.passes(MINUTE)
        await world.after(ask(Approve, state), RITA)
    stats = await load_counts(world, start)
    assert timedelta(milliseconds=stats.median_ms or 0) == 5 * MINUTE
    assert timedelta(milliseconds=stats.p90_ms or 0) == 9 * MINUTE


async def test_decisions_against_the_recommendation_are_counted(world: World) -> None:
    await world.submit_and_approve(another("high"), by=SENTA)
    overridden = await world.submit(another("high"))
    await world.after(ask(HumanOverrideCommand, overridden), SENTA)
    stats = await load_counts(world)
    assert stats.decisions == {"approve": 1, "override": 1}
    assert stats.overridden_share == pytest.approx(1 / 2)


async def test_second_looks_are_counted_by_verdict(database_url: str) -> None:
    async with open_world(database_url, policy(**LASTING, soft={"sample": 1.0})) as world:
        sampled = [await world.submit(another("low")) for _ in range(3)]
        await world.submit_and_approve(another(), by=RITA)
        await world.after(ask(Judge, sampled[0], verdict="sound"), RITA)
        await world.after(ask(Judge, sampled[1], verdict="unsound"), RITA)
        left = await world.read(lambda connection: list_unjudged(connection, world.tenant_id))
        assert [state.decision_package_id for state in left] == [sampled[2].decision_package_id]
        stats = await load_counts(world)
        assert (stats.sampled, stats.judged, stats.unsound) == (3, 2, 1)
        assert stats.unsound_share == pytest.approx(1 / 2)


async def test_text_that_looks_like_a_verdict_is_not_one(world: World) -> None:
    await world.submit(package(**AUTOMATIC.model_dump(exclude_unset=True) | {"thread_id": '"verdict":"unsound"'}))
    stats = await load_counts(world)
    assert (stats.automatic, stats.judged, stats.unsound) == (1, 0, 0)
