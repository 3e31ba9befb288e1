"""The clock's commands for many packages: several share a transaction, and each is decided as if alone."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from rules.reasons import Refusal
from rules.state.commands import Approve, Command
from rules.state.decisions import ExecutionState
from rules.state.model import PackageState, Status
from rules.state.service_commands import Climb, Expire, LoseTrack
from rules.state.situation import Situation
from rules.state.transition import Transition
from rules.verbs.decide import decide
from scheduler.common import clock_commands
from store.commands.execute import execute
from store.commands.invocation import Invocation
from store.engine.engines import transact
from store.packages.autonomy import load_profile
from store.packages.packages import Loaded, load_packages
from tests.rules.world import HARD, RITA, SENTA, SOFT, ask, policy
from tests.store.soundness import faults
from tests.store.world import LASTING, World, open_world, reviewer

DAY = timedelta(days=1)


async def states_of(world: World, several: list[PackageState]) -> list[PackageState]:
    return [await world.state(state.decision_package_id) for state in several]


async def test_several_commands_share_a_transaction_and_each_is_decided_separately(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("store.store.CLOCK_BATCH", 2)
    due = [await world.submit(SOFT.model_copy(update={"expires_at": world.clock.now + DAY})) for _ in range(3)]
    early = await world.submit(HARD)
    world.clock.passes(DAY)
    outcomes = await world.store.execute_many([clock_commands.for_state(Expire, state) for state in (*due, early)])
    reasons = [outcome.refusal and outcome.refusal.reason.value for outcome in outcomes]
    assert reasons == [None, None, None, "not-due"]
    assert [state.status for state in await states_of(world, due)] == [Status.EXPIRED] * 3
    assert await world.state(early.decision_package_id) == early
    assert await world.read(faults) == []


async def test_all_outcomes_of_one_agent_in_a_batch_are_counted(world: World) -> None:
    claimed = []
    for which in range(3):
        state = await world.submit_and_approve(SOFT.model_copy(update={"subject_id": f"C-{which}"}), by=RITA)
        await world.claim(state, action_digest=state.action_digest)
        claimed.append(state)
    world.clock.passes(DAY)
    outcomes = await world.store.execute_many([clock_commands.for_state(LoseTrack, state) for state in claimed])
    assert [outcome.refusal for outcome in outcomes] == [None] * 3
    after = await states_of(world, claimed)
    assert {state.execution.state for state in after} == {ExecutionState.UNKNOWN}
    earned = await world.read(
        lambda connection: load_profile(connection, world.tenant_id, world.agent.agent_id, SOFT.action_type)
    )
    assert earned is not None
    assert len(earned.recent_failures) == 3
    assert await world.read(faults) == []


async def test_tasks_escalated_in_one_batch_are_distributed_among_the_next_reviewers(database_url: str) -> None:
    async with open_world(database_url, policy(**LASTING, queue={"assign": "balanced"})) as world:
        due = [await world.submit(HARD) for _ in range(3)]
        world.clock.passes(DAY)
        await world.store.execute_many([clock_commands.for_state(Climb, state) for state in due])
        given = {state.task.assigned_to for state in await states_of(world, due)}
        assert len(given) == 3
        assert await world.read(faults) == []


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_package_decided_before_a_batch_is_written_keeps_its_decision(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One package is approved between reading and writing: all are read again, and that one is not changed."""
    due = [await world.submit(HARD.model_copy(update={"expires_at": world.clock.now + DAY})) for _ in range(3)]
    approval = Invocation(command=ask(Approve, due[1]), now=world.clock.now, actor=reviewer(SENTA))
    approved = iter([approval])

    def too_late(connection: Connection, tenant_id: str, package_ids: list[str]) -> dict[str, Loaded]:
        loaded = load_packages(connection, tenant_id, package_ids)
        for asked in approved:
            transact(
                world.store.database.engine, partial(execute, installation=world.store.installation, invocation=asked)
            )
        return loaded

    monkeypatch.setattr("store.commands.execute.load_packages", too_late)
    world.clock.passes(DAY)
    outcomes = await world.store.execute_many([clock_commands.for_state(Expire, state) for state in due])
    assert [outcome.refusal is None for outcome in outcomes] == [True, False, True]
    after = [state.status for state in await states_of(world, due)]
    assert after == [Status.EXPIRED, Status.APPROVED, Status.EXPIRED]
    assert await world.read(faults) == []


async def test_one_failing_command_does_not_stop_the_others(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    due = [await world.submit(SOFT.model_copy(update={"expires_at": world.clock.now + DAY})) for _ in range(3)]
    world.clock.passes(DAY)

    def stumbling(state: PackageState | None, command: Command, situation: Situation) -> Transition | Refusal:
        if command.decision_package_id == due[1].decision_package_id:
            raise ValueError("a state that no rule knows")
        return decide(state, command, situation)

    monkeypatch.setattr("store.commands.execute.decide", stumbling)
    outcomes = await world.store.execute_many([clock_commands.for_state(Expire, state) for state in due])
    assert [outcome.refusal is None for outcome in outcomes] == [True, False, True]
    after = [state.status for state in await states_of(world, due)]
    assert after == [Status.EXPIRED, Status.PENDING, Status.EXPIRED]
    assert "a state that no rule knows" in capsys.readouterr().out
    assert await world.read(faults) == []


async def test_a_write_that_fails_in_a_batch_does_not_stop_the_other_commands(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    due = [await world.submit(SOFT.model_copy(update={"expires_at": world.clock.now + DAY})) for _ in range(3)]
    world.clock.passes(DAY)
    monkeypatch.setattr("store.commands.execute.load_packages", _fails)
    outcomes = await world.store.execute_many([clock_commands.for_state(Expire, state) for state in due])
    assert [outcome.refusal for outcome in outcomes] == [None] * 3
    assert [state.status for state in await states_of(world, due)] == [Status.EXPIRED] * 3
    assert await world.read(faults) == []


def _fails(connection: Connection, *_: object) -> dict[str, Loaded]:
    raise IntegrityError(None, None, ValueError("a row that cannot be written"))
