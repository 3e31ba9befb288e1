"""Threads that are held, resumed and handed over at the same time, at another replica, and across a restart."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from rules.people.directory import Agent
from rules.policy.model import Policy
from rules.reasons import Reason
from rules.threads.commands import AcceptHandoff, CancelThread, HoldThread, OfferHandoff, ResumeThread, ThreadCommand
from store.threads.thread_store import ThreadStore
from tests.rules.world import HARD, SENTA, SVEN
from tests.store.threads.thread_commands import IN_THREAD, THREAD, give
from tests.store.waiting_agents import Waits, soon
from tests.store.world import World, open_replica, open_world, replica


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with open_world(database_url) as opened:
        yield opened


async def offered(world: World) -> tuple[Agent, str]:
    writer = await world.hire("Writer")
    outcome = await give(world, OfferHandoff, world.agent, to_agent="Writer", reason="Go on.")
    assert outcome.state is not None
    assert outcome.state.offered is not None
    return writer, outcome.state.offered.handoff_id


async def test_a_hold_outlives_a_restart_although_its_agent_never_asks(world: World, database_url: str) -> None:
    state = await world.submit_and_approve(IN_THREAD, by=SENTA)
    assert (await give(world, HoldThread, SENTA)).refusal is None
    world.clock.passes(timedelta(days=30))
    async with open_replica(database_url, clock=world.clock) as restarted:
        restarted.agent = world.agent
        refusal = (await restarted.claim(state)).refusal
        assert refusal is not None
        assert refusal.reason is Reason.THREAD_HELD
        assert (await give(restarted, ResumeThread, SENTA)).refusal is None
        assert (await restarted.claim(state)).refusal is None


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_another_replica_refuses_at_once_and_wakes_the_agent_that_waits(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = await world.submit_and_approve(IN_THREAD, by=SENTA)
    waits = Waits(monkeypatch)
    async with replica(world) as other:
        waiting = asyncio.create_task(ThreadStore(other.store).wait_for_change(THREAD, world.agent, None, 30))
        await waits.come()
        await give(world, HoldThread, SENTA)
        document = await soon(waiting)
        assert document is not None
        assert document["state"] == "held"
        refusal = (await other.claim(state)).refusal
        assert refusal is not None
        assert refusal.reason is Reason.THREAD_HELD


async def test_of_two_people_who_resume_at_once_one_is_told(world: World) -> None:
    await world.submit(IN_THREAD)
    await give(world, HoldThread, SENTA)
    outcomes = await asyncio.gather(give(world, ResumeThread, SENTA), give(world, ResumeThread, SVEN))
    reasons = [outcome.refusal.reason for outcome in outcomes if outcome.refusal]
    assert reasons == [Reason.THREAD_NOT_HELD]


@pytest.mark.parametrize(
    ("kind", "reasons"),
    [
        (CancelThread, {Reason.THREAD_CANCELLED}),
        (HoldThread, {Reason.THREAD_HELD}),
    ],
)
async def test_an_acceptance_and_a_stop_at_once_have_one_of_two_right_outcomes(
    world: World, kind: type[ThreadCommand], reasons: set[Reason]
) -> None:
    state = await world.submit(IN_THREAD)
    writer, handoff_id = await offered(world)
    accepted, stopped = await asyncio.gather(
        give(world, AcceptHandoff, writer, handoff_id=handoff_id), give(world, kind, SENTA)
    )
    assert stopped.refusal is None
    owner = (await world.state(state.decision_package_id)).agent_id
    outcome = {accepted.refusal.reason} if accepted.refusal else set()
    assert (outcome, owner) in [(reasons, world.agent.agent_id), (set(), writer.agent_id)]


async def test_an_acceptance_and_a_claim_at_once_leave_one_agent_with_the_permission(world: World) -> None:
    state = await world.submit_and_approve(IN_THREAD, by=SENTA)
    writer, handoff_id = await offered(world)
    accepted, claimed = await asyncio.gather(
        give(world, AcceptHandoff, writer, handoff_id=handoff_id), world.claim(state)
    )
    assert accepted.refusal is None
    owner = (await world.state(state.decision_package_id)).agent_id
    assert owner == (writer.agent_id if claimed.refusal else world.agent.agent_id)


async def test_failures_and_lost_trust_of_an_earlier_agent_count_in_the_thread(world: World) -> None:
    policy: Policy = world.store.installation.policy
    for number in range(policy.matrix.failures):
        failing = IN_THREAD.model_copy(update={"action_parameters": {"record": str(number)}})
        state = await world.submit_and_approve(failing, by=SENTA)
        await world.claim(state)
        await world.report(state, "failed")
    writer, handoff_id = await offered(world)
    assert (await give(world, AcceptHandoff, writer, handoff_id=handoff_id)).refusal is None
    here = await world.submit(IN_THREAD, writer)
    elsewhere = await world.submit(HARD.model_copy(update={"action_parameters": {"record": "x"}}), writer)
    assert {why.rule for why in here.why} - {why.rule for why in elsewhere.why} == {"autonomy", "repeated-failures"}
