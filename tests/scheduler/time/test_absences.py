"""Tasks of absent people go to delegates and back, and escalate if nobody is left."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from rules.state.commands import ClaimTask
from rules.state.model import Status
from scheduler.time.absences import AbsenceHandler
from store.audit.reader import verify_database
from store.oversight.looks import list_open_looks
from store.packages.paging import Page
from store.packages.queue import list_open_tasks
from tests.rules.world import DAY, HARD, HOUR, SENTA, SVEN, ask, people, policy
from tests.scheduler.time.clockwork import Clockwork
from tests.store.oversight.history import unrelated
from tests.store.world import LASTING, open_world

# Makes the database refuse to change tasks.
STUCK = {
    "sqlite": (
        (
            "CREATE TRIGGER stuck BEFORE UPDATE ON review_tasks WHEN NEW.assigned_to IS NULL"
            " BEGIN SELECT RAISE(ABORT, 'stuck'); END"
        ),
        "DROP TRIGGER stuck",
    ),
    "postgresql": (
        "ALTER TABLE review_tasks ADD CONSTRAINT stuck CHECK (assigned_to IS NOT NULL) NOT VALID",
        "ALTER TABLE review_tasks DROP CONSTRAINT stuck",
    ),
}
SENIORS_AND_ABOVE = (SENTA, SVEN, "USUSI", "USAUL", "USILA", "UDORA")


async def test_a_task_goes_to_the_delegate_and_comes_back(clockwork: Clockwork) -> None:
    state = await clockwork.world.submit(HARD)
    await clockwork.world.after(ask(ClaimTask, state), SENTA)
    await clockwork.leaves(SENTA, clockwork.world.clock.now + DAY, SVEN)
    await clockwork.absences.tick()
    assert (await clockwork.now(state)).task.assigned_to == SVEN
    await clockwork.comes_back(SENTA)
    await clockwork.absences.tick()
    assert (await clockwork.now(state)).task.assigned_to == SENTA


async def test_an_absence_that_ends_by_itself_brings_the_task_back(clockwork: Clockwork) -> None:
    state = await clockwork.world.submit(HARD)
    await clockwork.world.after(ask(ClaimTask, state), SENTA)
    await clockwork.leaves(SENTA, clockwork.world.clock.now + HOUR, SVEN)
    await clockwork.absences.tick()
    await clockwork.lives(HOUR)
    await clockwork.absences.tick()
    assert (await clockwork.now(state)).task.assigned_to == SENTA


async def test_a_task_without_a_delegate_becomes_unassigned(clockwork: Clockwork) -> None:
    state = await clockwork.world.submit(HARD)
    await clockwork.world.after(ask(ClaimTask, state), SENTA)
    await clockwork.leaves(SENTA, clockwork.world.clock.now + DAY)
    await clockwork.absences.tick()
    assert (await clockwork.now(state)).task.assigned_to is None


async def test_a_task_with_nobody_left_escalates_at_once(database_url: str) -> None:
    apart = policy(roles={"director": {"includes": []}}, **LASTING)
    async with open_world(database_url, apart) as world:
        clockwork = await Clockwork.start(world)
        state = await world.submit(HARD)
        for who in SENIORS_AND_ABOVE[:-1]:
            await clockwork.leaves(who, world.clock.now + DAY)
        await clockwork.absences.tick()
        after = await clockwork.now(state)
    assert (after.status, after.task.required_role) == (Status.PENDING, "director")


async def test_blind_looks_of_people_who_leave_end_and_nobody_else_is_asked(database_url: str) -> None:
    drawn = policy(audit={"sample": {"high": 1}}, **LASTING)
    async with open_world(database_url, drawn) as world:
        clockwork = await Clockwork.start(world)
        states = [await world.submit_and_approve(unrelated("high"), by=SENTA) for _ in range(2)]
        judges = [state.open_look.judge for state in states if state.open_look]
        for judge in judges:
            await clockwork.leaves(judge, world.clock.now + DAY)
        await clockwork.absences.tick()
        looks = [(await clockwork.now(state)).look for state in states]
        assert [(look.judge, look.has_ended, look.judge_left) for look in looks if look] == [
            (judge, True, True) for judge in judges
        ]
        assert await world.read(lambda connection: list_open_looks(connection, world.tenant_id)) == []
        assert await world.read(lambda connection: list(verify_database(connection))) == []


async def test_a_package_submitted_while_the_whole_role_is_away_asks_the_next_role(database_url: str) -> None:
    async with open_world(database_url, policy(roles={"director": {"includes": []}}, **LASTING)) as world:
        clockwork = await Clockwork.start(world)
        for who in SENIORS_AND_ABOVE[:-1]:
            await clockwork.leaves(who, world.clock.now + DAY)
        state = await world.submit(HARD)
        tasks = await world.read(lambda connection: list_open_tasks(connection, world.tenant_id, limit=9))
        faults = await world.read(lambda connection: list(verify_database(connection)))
    assert [(task_state.decision_package_id, task_state.task.required_role) for task_state in tasks.items] == [
        (state.decision_package_id, "director")
    ]
    assert faults == []


async def test_if_no_role_has_anybody_left_the_deadline_decides(clockwork: Clockwork) -> None:
    state = await clockwork.world.submit(HARD)
    for who in SENIORS_AND_ABOVE:
        await clockwork.leaves(who, clockwork.world.clock.now + DAY)
    await clockwork.absences.tick()
    assert (await clockwork.now(state)).task == state.task


async def test_a_reviewer_who_was_deactivated_loses_the_task(clockwork: Clockwork) -> None:
    state = await clockwork.world.submit(HARD)
    await clockwork.world.after(ask(ClaimTask, state), SENTA)
    await clockwork.world.people_are(people(**{SENTA: {"active": False}}))
    await clockwork.absences.tick()
    assert (await clockwork.now(state)).task.assigned_to is None


async def test_tasks_are_checked_only_when_somebody_leaves_or_returns(
    clockwork: Clockwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[int] = []

    def count_and_list(*of: Any, **how: Any) -> Page:
        looked.append(1)
        return list_open_tasks(*of, **how)

    monkeypatch.setattr("scheduler.time.absences.list_open_tasks", count_and_list)
    await clockwork.world.submit(HARD)
    await clockwork.absences.tick()
    await clockwork.absences.tick()
    await clockwork.world.people_are(people())  # read again, unchanged
    await clockwork.absences.tick()
    await AbsenceHandler(clockwork.world.store).tick()  # after a restart, or on another replica
    assert looked == [1]
    await clockwork.world.people_are(people(**{SENTA: {"active": False}}))
    await clockwork.absences.tick()
    assert looked == [1, 1]


async def test_a_busy_task_is_retried_at_the_next_tick_without_the_others(
    clockwork: Clockwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = await clockwork.world.submit(HARD)
    await clockwork.world.after(ask(ClaimTask, state), SENTA)
    await clockwork.world.people_are(people(**{SENTA: {"active": False}}))
    looked: list[int] = []

    def count_and_list(*of: Any, **how: Any) -> Page:
        looked.append(1)
        return list_open_tasks(*of, **how)

    monkeypatch.setattr("scheduler.time.absences.list_open_tasks", count_and_list)
    stuck, freed = STUCK[clockwork.world.store.database.engine.dialect.name]
    await clockwork.world.store.write(lambda connection: connection.execute(text(stuck)))
    await clockwork.absences.tick()
    await clockwork.world.store.write(lambda connection: connection.execute(text(freed)))
    assert (await clockwork.now(state)).task.assigned_to == SENTA
    await clockwork.absences.tick()
    assert (await clockwork.now(state)).task.assigned_to is None
    assert looked == [1]


async def test_a_stale_directory_moves_no_task_until_it_is_read_again(
    database_url: str,
) -> None:
    async with open_world(database_url, policy()) as world:
        clockwork = await Clockwork.start(world)
        state = await world.submit(HARD)
        await world.after(ask(ClaimTask, state), SENTA)
        await world.people_are(people(**{SENTA: {"active": False}}))
        world.clock.passes(DAY + HOUR)
        await clockwork.absences.tick()
        assert (await clockwork.now(state)).task.assigned_to == SENTA
        await world.people_are(people(**{SENTA: {"active": False}}))
        await clockwork.absences.tick()
        assert (await clockwork.now(state)).task.assigned_to is None
