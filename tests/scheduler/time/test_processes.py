"""Real processes: three that sweep at once, and one that is killed at each step. Each due thing happens once."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

import pytest

from rules.state.model import PackageState, Status
from tests.fork_server import ForkedProcess
from tests.rules.world import HARD, SOFT
from tests.scheduler.time.clockwork import Clockwork
from tests.scheduler.time.sweep_process import sweep
from tests.store.soundness import faults

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
STEPS = (
    1,
    2,
    3,
    4,
    5,
    6,
)  # in three transactions: due packages are claimed, commands are executed, the rest is postponed


async def sweeping(clockwork: Clockwork, step: int = 0) -> ForkedProcess:
    """A running process that waits for a signal."""
    process = ForkedProcess(sweep, clockwork.world.url, clockwork.world.clock.now, step)
    assert await process.receive() == "ready"
    return process


async def swept(processes: Sequence[ForkedProcess]) -> list[str | None]:
    """The processes' answers after all got the signal at once."""
    for process in processes:
        process.send("go")
    answers = await asyncio.gather(*(process.receive() for process in processes))
    await asyncio.gather(*(process.wait() for process in processes))
    return answers


async def all_kinds(clockwork: Clockwork, number: int = 1) -> list[PackageState]:
    """`number` packages each to consent, expire and escalate, and one that is due although its silence is too short."""
    ends = clockwork.world.clock.now + DAY
    kinds = (SOFT, HARD.model_copy(update={"expires_at": ends}), HARD)
    packages = [kind.model_copy(update={"subject_id": f"C-{n}"}) for kind in kinds for n in range(number)]
    due = [await clockwork.submit_and_show(package) for package in packages]
    await clockwork.lives(DAY)
    young = await clockwork.submit_and_show(SOFT)
    await clockwork.sleeps(5 * MINUTE)
    return [*due, young]


async def clock_events(clockwork: Clockwork, states: list[PackageState]) -> Counter[str]:
    """The events that the clock caused."""
    types = [event_type for state in states for event_type in await clockwork.event_types(state)]
    return Counter(event_type for event_type in types if event_type not in {"package.submitted", "package.shown"})


def once_each(number: int) -> dict[str, int]:
    return {
        "package.consented": number,
        "package.expired": number,
        "package.escalated": number,
        "task.reminded": 2 * number,  # both of the hard kinds, before they ended
    }


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_three_processes_that_sweep_at_once_do_each_thing_once(clockwork: Clockwork) -> None:
    states = await all_kinds(clockwork, 5)
    assert await swept([await sweeping(clockwork) for _ in range(3)]) == ["done"] * 3
    assert await clock_events(clockwork, states) == once_each(5)
    assert await clockwork.world.read(faults) == []


@pytest.mark.parametrize("step", STEPS)
async def test_work_of_a_process_killed_at_any_step_is_done_once_by_the_next(clockwork: Clockwork, step: int) -> None:
    states = await all_kinds(clockwork)
    assert await swept([await sweeping(clockwork, step)]) == [None]
    clockwork.world.clock.passes(MINUTE)
    assert await swept([await sweeping(clockwork)]) == ["done"]
    assert await clock_events(clockwork, states) == once_each(1)
    assert (await clockwork.now(states[-1])).status is Status.PENDING
    assert await clockwork.world.read(faults) == []
