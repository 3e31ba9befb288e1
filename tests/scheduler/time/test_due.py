"""Due commands run once, even if the sweep is late or runs twice. A refused command delays no other."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from rules.people.directory import AgentStanding
from rules.scales import HITLLevel
from rules.state.commands import Defer, Object, RequestMoreEvidence
from rules.state.decisions import Basis, ExecutionState
from rules.state.model import Status
from scheduler.time.due import Sweep
from store.agents import agent_admin
from tests.rules.world import (
    DAY,
    DORA,
    HARD,
    HOUR,
    MINUTE,
    RITA,
    ROSS,
    SAUL,
    SENTA,
    SILA,
    SOFT,
    SUSI,
    SVEN,
    ask,
    people,
    policy,
)
from tests.scheduler.time.clockwork import Clockwork
from tests.store.world import open_world, replica


async def test_a_soft_approval_consents_after_its_time_of_silence(clockwork: Clockwork) -> None:
    state = await clockwork.submit_and_show()
    await clockwork.passes(4 * MINUTE)
    assert (await clockwork.now(state)).status is Status.PENDING
    await clockwork.passes(MINUTE)
    after = await clockwork.now(state)
    assert after.status is Status.CONSENTED
    assert after.decision is not None
    assert after.decision.basis is Basis.SILENT_CONSENT


async def test_downtime_does_not_count_as_silence(clockwork: Clockwork) -> None:
    state = await clockwork.submit_and_show()
    await clockwork.lives(2 * MINUTE)
    await clockwork.sleeps(DAY / 2)
    await clockwork.looks()
    assert (await clockwork.now(state)).status is Status.PENDING
    await clockwork.passes(3 * MINUTE)
    assert (await clockwork.now(state)).status is Status.CONSENTED


async def test_an_outage_of_slack_does_not_count_as_silence(clockwork: Clockwork) -> None:
    state = await clockwork.submit_and_show()
    clockwork.slack_is_there = False
    await clockwork.sleeps(HOUR)
    await clockwork.looks()
    clockwork.slack_is_there = True
    await clockwork.heart.tick()
    await clockwork.passes(4 * MINUTE)
    assert (await clockwork.now(state)).status is Status.PENDING
    await clockwork.passes(MINUTE)
    assert (await clockwork.now(state)).status is Status.CONSENTED


async def test_a_clock_that_leaps_proves_nothing(clockwork: Clockwork) -> None:
    state = await clockwork.submit_and_show()
    clockwork.world.clock.passes(HOUR)
    await clockwork.heart.tick()
    await clockwork.looks()
    assert (await clockwork.now(state)).status is Status.PENDING


async def test_slack_may_go_and_come_while_the_clock_stands_still(clockwork: Clockwork) -> None:
    beating = []
    for is_there in (False, True):
        clockwork.slack_is_there = is_there
        await clockwork.heart.tick()
        beating.append(clockwork.heart.hears_clicks)
    assert beating == [False, True]
    state = await clockwork.submit_and_show()
    await clockwork.passes(5 * MINUTE)
    assert (await clockwork.now(state)).status is Status.CONSENTED


async def test_time_shown_before_the_clock_was_set_back_does_not_count(clockwork: Clockwork) -> None:
    await clockwork.sleeps(DAY)
    await clockwork.lives(HOUR)
    clockwork.world.clock.passes(-DAY - HOUR)
    await clockwork.heart.tick()
    await clockwork.lives(MINUTE)
    state = await clockwork.submit_and_show()
    await clockwork.sleeps(DAY + HOUR)
    await clockwork.looks()
    assert (await clockwork.now(state)).status is Status.PENDING


async def test_time_in_which_everybody_was_away_does_not_count_as_silence(clockwork: Clockwork) -> None:
    state = await clockwork.submit_and_show()
    until = clockwork.world.clock.now + 10 * MINUTE
    for who in (RITA, ROSS, SENTA, SVEN, SUSI, SAUL, SILA, DORA):
        await clockwork.leaves(who, until)
    await clockwork.passes(9 * MINUTE)
    assert (await clockwork.now(state)).status is Status.PENDING
    await clockwork.passes(5 * MINUTE)
    assert (await clockwork.now(state)).status is Status.PENDING
    await clockwork.passes(MINUTE)
    assert (await clockwork.now(state)).status is Status.CONSENTED


async def test_a_silence_that_cannot_count_in_time_becomes_hard(clockwork: Clockwork) -> None:
    state = await clockwork.submit_and_show()
    clockwork.slack_is_there = False
    await clockwork.sleeps(DAY)
    await clockwork.looks()
    after = await clockwork.now(state)
    assert (after.status, after.level) == (Status.PENDING, HITLLevel.HARD_APPROVAL)


async def test_an_unanswered_package_climbs_the_ladder_and_expires_at_the_top(clockwork: Clockwork) -> None:
    state = await clockwork.submit_and_show(HARD)
    roles = [state.task.required_role]
    for _ in range(2):
        await clockwork.passes(DAY)
        roles.append((await clockwork.now(state)).task.required_role)
    assert roles == ["senior_reviewer", "supervisor", "director"]
    await clockwork.passes(DAY)
    after = await clockwork.now(state)
    assert after.status is Status.EXPIRED
    assert after.decision is not None
    assert after.decision.basis is Basis.TIMEOUT


async def test_people_are_reminded_before_the_end_once_each_time(clockwork: Clockwork) -> None:
    state = await clockwork.submit_and_show(HARD)
    await clockwork.passes(20 * HOUR)
    await clockwork.passes(2 * HOUR)
    await clockwork.passes(HOUR)
    assert (await clockwork.event_types(state)).count("task.reminded") == 2


async def test_a_deferral_wakes(clockwork: Clockwork) -> None:
    state = await clockwork.submit_and_show(HARD)
    until = clockwork.world.clock.now + 2 * HOUR
    await clockwork.world.after(ask(Defer, state, until=until, comment="After lunch."), SENTA)
    await clockwork.passes(HOUR)
    assert (await clockwork.now(state)).status is Status.DEFERRED
    await clockwork.passes(HOUR)
    assert (await clockwork.now(state)).status is Status.PENDING


async def test_a_package_expires_if_the_agent_sends_no_evidence_in_time(clockwork: Clockwork) -> None:
    state = await clockwork.submit_and_show(HARD)
    await clockwork.world.after(ask(RequestMoreEvidence, state, instructions="Which record?"), SENTA)
    await clockwork.passes(2 * DAY)
    assert (await clockwork.now(state)).status is Status.EXPIRED


async def test_an_approval_that_nobody_uses_is_reminded_and_lapses(clockwork: Clockwork) -> None:
    state = await clockwork.world.submit_and_approve(HARD, by=SENTA)
    await clockwork.passes(DAY)
    assert "execution.reminded" in await clockwork.event_types(state)
    await clockwork.passes(DAY)
    assert (await clockwork.now(state)).execution.state is ExecutionState.LAPSED


async def test_a_claim_without_an_outcome_becomes_unknown(clockwork: Clockwork) -> None:
    state = await clockwork.world.submit_and_approve(HARD, by=SENTA)
    await clockwork.world.claim(state)
    await clockwork.passes(HOUR)
    assert (await clockwork.now(state)).execution.state is ExecutionState.UNKNOWN


async def test_after_a_day_of_downtime_each_thing_happens_once(clockwork: Clockwork) -> None:
    state = await clockwork.submit_and_show(HARD)
    await clockwork.sleeps(3 * DAY)
    await clockwork.looks()
    await clockwork.looks()
    types = await clockwork.event_types(state)
    assert types.count("package.escalated") == 1
    assert (await clockwork.now(state)).status is Status.PENDING


async def test_replicas_that_sweep_at_once_do_each_thing_once(clockwork: Clockwork) -> None:
    states = [
        await clockwork.submit_and_show(HARD.model_copy(update={"thread_id": f"thr_{number}"})) for number in range(5)
    ]
    await clockwork.lives(DAY)
    async with replica(clockwork.world) as other:
        theirs = Sweep(other.store, clockwork.consents.take)
        await _at_once(clockwork.sweep.tick, theirs.tick)
    types = [await clockwork.event_types(state) for state in states]
    assert [event_types.count("package.escalated") for event_types in types] == [1] * 5


async def test_a_package_that_is_always_refused_delays_no_other(
    clockwork: Clockwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scheduler.time.due.AT_ONCE", 2)
    stuck = [
        await clockwork.submit_and_show(SOFT.model_copy(update={"thread_id": f"thr_{number}"})) for number in range(4)
    ]
    await clockwork.world.write(
        lambda connection: agent_admin.set_standing(
            connection, "Clerk", AgentStanding.PAUSED, clockwork.world.clock.now
        )
    )
    await clockwork.lives(5 * MINUTE)
    await clockwork.looks()
    assert {(await clockwork.now(state)).status for state in stuck} == {Status.PENDING}
    await clockwork.world.write(
        lambda connection: agent_admin.set_standing(
            connection, "Clerk", AgentStanding.ACTIVE, clockwork.world.clock.now
        )
    )
    await clockwork.passes(MINUTE)
    assert {(await clockwork.now(state)).status for state in stuck} == {Status.CONSENTED}


async def test_an_objection_that_races_the_timer_wins_or_is_refused_as_too_late(clockwork: Clockwork) -> None:
    state = await clockwork.submit_and_show()
    await clockwork.lives(5 * MINUTE)
    _, objected = await _at_once(clockwork.looks, lambda: clockwork.world.do(ask(Object, state), RITA))
    after = await clockwork.now(state)
    outcome = (after.status, after.level, objected.refusal and objected.refusal.reason.value)
    assert outcome in [
        (Status.CONSENTED, HITLLevel.SOFT_APPROVAL, "already-decided"),
        (Status.PENDING, HITLLevel.HARD_APPROVAL, None),
    ]


async def test_the_claims_of_a_dead_process_are_taken_by_the_next(clockwork: Clockwork) -> None:
    state = await clockwork.submit_and_show(HARD)
    await clockwork.lives(DAY)
    await clockwork.world.write(clockwork.sweep._claim)
    await clockwork.looks()
    assert (await clockwork.now(state)).task.rung == 0
    await clockwork.passes(timedelta(seconds=31))
    assert (await clockwork.now(state)).task.rung == 1


async def _at_once(*asks: Callable[[], Awaitable[Any]]) -> list[Any]:
    return await asyncio.gather(*(ask() for ask in asks))


async def test_an_unreadable_package_delays_no_other(clockwork: Clockwork) -> None:
    broken, whole = await clockwork.world.submit(HARD), await clockwork.world.submit(HARD)
    torn = text("UPDATE packages SET state = '{}' WHERE package_id = :package")
    await clockwork.world.store.write(
        lambda connection: connection.execute(torn, {"package": broken.decision_package_id})
    )
    clockwork.world.clock.passes(DAY)
    await clockwork.looks()
    assert (await clockwork.now(whole)).task.rung == 1


async def test_a_deadline_missed_during_a_long_outage_escalates_once_the_directory_is_read(database_url: str) -> None:
    async with open_world(database_url, policy()) as world:
        clockwork = await Clockwork.start(world)
        state = await world.submit(HARD)
        world.clock.passes(DAY + HOUR)  # and with it the time for which the directory may be believed
        await clockwork.looks()
        assert ((await clockwork.now(state)).status, (await clockwork.now(state)).task.rung) == (Status.PENDING, 0)
        await world.people_are(people())
        world.clock.passes(MINUTE)
        await clockwork.looks()
        assert (await clockwork.now(state)).task.rung == 1
