"""Autonomy profiles of agents and action types: they change with counted outcomes, and no outcome is lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from rules.people.autonomy import AutonomyProfile
from rules.people.directory import Agent
from rules.scales import HITLLevel
from rules.state.model import PackageState, Status
from rules.state.service_commands import LoseTrack
from store.packages.autonomy import load_profile
from tests.rules.world import AUTOMATIC, HARD, HOUR, RITA, SENTA, SOFT, ask, package, policy
from tests.store.soundness import faults
from tests.store.world import LASTING, World, all_load_first, open_world

QUICK = policy(**LASTING, autonomy={"promote_after_successes": 2})


@pytest.fixture
async def quick(database_url: str) -> AsyncIterator[World]:
    """An installation in which two successes are enough for the next level."""
    async with open_world(database_url, QUICK) as world:
        yield world


async def load_earned(
    world: World, agent: Agent | None = None, action_type: str = "record.read"
) -> AutonomyProfile | None:
    agent_id = (agent or world.agent).agent_id
    return await world.read(lambda connection: load_profile(connection, world.tenant_id, agent_id, action_type))


async def approve_and_claim(world: World, by: str = RITA, number: int = 0) -> PackageState:
    what = package(subject_id=str(number)) if by == RITA else package(subject_id=str(number), risk_level="high")
    state = await world.submit_and_approve(what, by=by)
    assert (await world.claim(state)).refusal is None
    return state


async def test_an_agent_has_no_profile_before_its_first_report(world: World) -> None:
    await approve_and_claim(world)
    assert await load_earned(world) is None


async def test_successes_of_approved_actions_lower_the_level_step_by_step(quick: World) -> None:
    for number in range(2):
        await quick.report(await approve_and_claim(quick, number=number))
    profile = await load_earned(quick)
    assert profile is not None
    assert (profile.current_level, profile.consecutive_successes) == (HITLLevel.NOTIFY_ONLY, 0)
    assert (await quick.submit(package(subject_id="next"))).status is Status.APPROVED
    assert await quick.read(faults) == []


async def test_no_spelling_of_an_action_type_evades_its_failures(world: World) -> None:
    state = await world.submit_and_approve(package(action_type="Record.Read"), by=RITA)
    await world.claim(state)
    await world.report(state, "failed")
    profile = await load_earned(world)
    assert profile is not None
    assert len(profile.recent_failures) == 1


async def test_the_change_of_the_level_is_in_the_record_of_the_package_that_brought_it(quick: World) -> None:
    states = [await approve_and_claim(quick, number=number) for number in range(2)]
    for state in states:
        await quick.report(state)
    events = await quick.store.load_events(states[-1].decision_package_id, quick.agent.agent_id)
    assert events is not None
    assert [event["reason"] for event in events][-1] == "soft_approval to notify_only"


async def test_trust_is_earned_for_one_agent_and_action_type(quick: World) -> None:
    other = await quick.hire("Other")
    for number in range(2):
        await quick.report(await approve_and_claim(quick, number=number))
    assert await load_earned(quick, other) is None
    assert await load_earned(quick, action_type="record.update") is None
    assert (await quick.submit(SOFT, other)).level is HITLLevel.SOFT_APPROVAL


async def test_failures_raise_the_level_and_soon_a_person_takes_over(world: World) -> None:
    for number in range(2):
        await world.report(await approve_and_claim(world, number=number), "failed")
    profile = await load_earned(world)
    assert profile is not None
    assert profile.current_level is HITLLevel.HARD_APPROVAL
    assert (await world.submit(package(subject_id="next"))).level is HITLLevel.HUMAN_TAKEOVER
    assert await world.read(faults) == []


async def test_a_lost_outcome_counts_once_as_a_failure(world: World) -> None:
    state = await approve_and_claim(world)
    world.clock.passes(HOUR)
    await world.after(ask(LoseTrack, state))
    await world.report(state, "failed")
    profile = await load_earned(world)
    assert profile is not None
    assert len(profile.recent_failures) == 1


async def test_actions_without_review_earn_no_trust(world: World) -> None:
    state = await world.submit(AUTOMATIC)
    await world.claim(state)
    await world.report(state)
    assert await load_earned(world) is None


async def test_the_same_report_twice_counts_once(world: World) -> None:
    state = await approve_and_claim(world)
    await world.report(state)
    await world.report(state)
    profile = await load_earned(world)
    assert profile is not None
    assert profile.consecutive_successes == 1


@pytest.mark.parametrize("outcome", ["succeeded", "failed"])
async def test_reports_of_different_packages_at_once_all_count(
    world: World, outcome: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    states = [await approve_and_claim(world, by=SENTA, number=number) for number in range(6)]
    all_load_first(monkeypatch, world, len(states))
    await asyncio.gather(*(world.report(state, outcome) for state in states))
    profile = await load_earned(world)
    assert profile is not None
    assert profile.consecutive_successes + len(profile.recent_failures) == 6
    assert await world.read(faults) == []


async def test_concurrent_first_reports_of_two_action_types_are_counted_separately(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading = await approve_and_claim(world, by=SENTA)
    writing = await world.submit_and_approve(HARD.model_copy(update={"action_type": "record.update"}), by=SENTA)
    await world.claim(writing)
    all_load_first(monkeypatch, world, 2)
    await asyncio.gather(world.report(reading), world.report(writing, "failed"))
    reads, writes = await load_earned(world), await load_earned(world, action_type="record.update")
    assert reads is not None
    assert writes is not None
    assert (reads.consecutive_successes, len(writes.recent_failures)) == (1, 1)
