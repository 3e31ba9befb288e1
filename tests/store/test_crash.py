"""Killed processes and cut connections: answered commands are saved, and none is applied twice."""

from __future__ import annotations

import asyncio
import os
import random
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text

from rules.state.decisions import ExecutionState
from rules.state.model import PackageState, Status
from store.packages import packages
from tests.fork_server import start_program
from tests.rules.world import people
from tests.store import under_load
from tests.store.soundness import faults
from tests.store.under_load import one, submission
from tests.store.world import World, open_replica, open_world

ROOT = Path(__file__).parent.parent.parent
ROUNDS = 3


async def killed_under_load(url: str, round_: int, lines: int) -> list[list[str]]:
    """The output of a worker that was killed after this number of lines."""
    worker = await start_program(under_load.main, url, str(round_), cwd=ROOT, env=os.environ)
    printed = [await worker.stdout.readline() for _ in range(lines)]
    worker.kill()
    rest, _ = await worker.communicate()
    printed += rest.splitlines(keepends=True)
    return [line.decode().split() for line in printed if line.endswith(b"\n")]


def wait_for_death(url: str) -> None:
    """Wait until PostgreSQL has noticed the death of the process, so that its commit is decided."""
    if url.startswith("postgresql"):
        with psycopg.connect(url) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )


async def load_states(world: World) -> dict[str, PackageState]:
    states, _ = await world.read(
        lambda connection: packages.list_own(connection, world.tenant_id, world.agent.agent_id, limit=100_000)
    )
    return {state.decision_package_id: state for state in states}


def those(printed: list[list[str]], *what: str) -> set[str]:
    return {name for *words, name in printed if tuple(words) == what}


async def test_answered_commands_survive_a_kill_and_unanswered_ones_can_be_repeated(database_url: str) -> None:
    async with open_world(database_url):
        pass
    moments, packages_known = random.Random(4711), 0
    for round_ in range(ROUNDS):
        printed = await killed_under_load(database_url, round_, moments.randrange(20, 200))
        wait_for_death(database_url)
        async with open_replica(database_url) as world:
            world.agent = await under_load.the_agent(world)
            states = await load_states(world)
            assert await world.read(faults) == []
            assert those(printed, "done", "submit") <= states.keys()
            assert {states[name].status for name in those(printed, "done", "approve")} <= {Status.APPROVED}
            assert {states[name].execution.state for name in those(printed, "done", "claim")} <= {
                ExecutionState.CLAIMED
            }
            asked = those(printed, "asked", "submit")
            again = {name: await world.execute_for_agent(submission(name, as_=f"{name}_again")) for name in asked}
            assert {name for name, answered in again.items() if answered.replayed} == asked & states.keys()
            assert {answered.refusal for answered in again.values()} == {None}
            packages_known += len(asked)
            assert len(await load_states(world)) == packages_known
            assert await world.read(faults) == []


@pytest.fixture
async def busy(database_url: str) -> AsyncIterator[World]:
    async with open_world(database_url) as world:
        await world.people_are(people())
        yield world


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_operations_with_cut_connections_succeed_or_fail_and_work_continues(busy: World) -> None:
    names = [f"pkg_{number}" for number in range(120)]
    done: Counter[str] = Counter()
    cuts: list[int] = []
    cutting = await psycopg.AsyncConnection.connect(busy.url, autocommit=True)

    def say(word: str, step: str, _: str) -> None:
        done[f"{word} {step}"] += 1
        if done.total() % 40 == 0:
            turn.set()

    async def cut_connections() -> None:
        while True:
            await turn.wait()
            turn.clear()
            rows = await cutting.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            cuts.append(len(await rows.fetchall()))

    async def worker(mine: list[str]) -> None:
        for name in mine:
            await one(busy, name, say)

    turn = asyncio.Event()
    async with cutting:
        cutter = asyncio.create_task(cut_connections())
        await asyncio.gather(*(worker(names[number::8]) for number in range(8)))
        cutter.cancel()
        await asyncio.gather(cutter, return_exceptions=True)
    states = await load_states(busy)
    assert len([number for number in cuts if number > 0]) >= 5
    assert done == Counter({"asked submit": 120, "done submit": 120, "done approve": 120, "done claim": 120})
    assert sorted(states) == sorted(names)
    assert {state.execution.state for state in states.values()} == {ExecutionState.CLAIMED}
    assert await busy.read(faults) == []
    query = text("SELECT count(*) FROM commands")
    assert await busy.read(lambda connection: connection.execute(query).scalar_one()) == 360
