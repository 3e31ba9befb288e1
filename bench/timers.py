"""Timers: many packages wait, a tenth of them comes due within seconds. How late does each happen, and does it once?"""

from __future__ import annotations

import asyncio
import sys
import time
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection, text

from bench.pending import in_parts
from bench.raw import open_raw
from bench.road import Rows, written
from bench.rows import Write
from bench.world import POLICY, World, fresh_database, now, world
from rules.policy.parse import read_policy
from rules.record.chain import rfc3339
from rules.state.model import PackageState
from scheduler.ticks import ticking
from scheduler.time.due import Sweep
from store.store import Store

PENDING, DUE, WITHIN = 100_000, 10_000, timedelta(seconds=10)
TICK = 1.0
ASKED_P99_MS, ASKED_IDLE_MS = TICK * 1000 + 100, 5
_STARTING = timedelta(seconds=20)  # for the processes to come up before the first is due


class Result(NamedTuple):
    database: str
    processes: int
    p50_ms: float
    p99_ms: float
    fired: int
    twice: int
    idle_ms: float


async def run(where: dict[str, str]) -> list[Result]:
    cases = [(kind, processes) for kind in where for processes in ((1,) if kind == "sqlite" else (1, 3))]
    return [await _measured(kind, processes, fresh_database(kind, where)) for kind, processes in cases]


async def _measured(kind: str, processes: int, url: str) -> Result:
    async with world(url) as its:
        rows = await written(its, kind)
        await _fill(kind, url, rows, range(PENDING - DUE))
        idle = await _idle(its)
        first = now() + timedelta(seconds=DUE / 400) + _STARTING
        await _fill(kind, url, rows, range(PENDING, PENDING + DUE), first)
        await _swept(url, processes, first + WITHIN + timedelta(seconds=30))
        late = sorted(await its.store.read(lambda connection: _lateness(connection, first)))
    once = len({package for _, package in late})
    times = [seconds for seconds, _ in late] or [0.0]
    return Result(
        kind,
        processes,
        times[len(times) // 2] * 1000,
        times[len(times) * 99 // 100] * 1000,
        once,
        len(late) - once,
        idle,
    )


async def _idle(its: World) -> float:
    """One look of the sweep when nothing is due: the median, in milliseconds."""
    sweep, took = Sweep(its.store, _nobody_is_silent), []
    for _ in range(50):
        begun = time.perf_counter()
        await sweep.tick()
        took.append(time.perf_counter() - begun)
    return sorted(took)[25] * 1000


async def _fill(kind: str, url: str, rows: Rows, numbers: range, first: datetime | None = None) -> None:
    """Copies of a real submission; from `first` on each is due a little later than the one before."""
    raw = await open_raw(kind, url)
    try:
        for part in in_parts(numbers.start, numbers.stop):
            writes = (_due(rows.of(number)[0], first, number - numbers.start) for number in part)
            await asyncio.gather(*(raw.write(each) for each in writes))
    finally:
        await raw.close()


def _due(writes: list[Write], first: datetime | None, number: int) -> list[Write]:
    if first is None:
        return writes
    (state,) = (value for write in writes for value in write.parameters if str(value).startswith('{"tenant_id"'))
    old = PackageState.model_validate_json(state).task.due_at
    return [_moved(write, old, first + number * WITHIN / DUE) for write in writes]


def _moved(write: Write, old: datetime, due: datetime) -> Write:
    """The same rows, of a package with another deadline."""
    spellings = [(_in_sqlite(old), _in_sqlite(due)), (rfc3339(old), rfc3339(due))]

    def moved(value: Any) -> Any:
        if isinstance(value, datetime):
            return due if value == old else value
        for before, after in spellings if isinstance(value, str) else ():
            value = value.replace(before, after)
        return value

    return Write(write.sql, tuple(moved(value) for value in write.parameters))


def _in_sqlite(moment: datetime) -> str:
    return moment.replace(tzinfo=None).isoformat(" ", "microseconds")


def _lateness(connection: Connection, first: datetime) -> list[tuple[float, str]]:
    """Of each that climbed: how long after it was due."""
    query = text("SELECT package_id, occurred_at FROM events WHERE event_type = 'package.escalated'")
    found = []
    for package, at in connection.execute(query):
        due = first + int(package.removeprefix("pkg_raw")) % PENDING * WITHIN / DUE
        happened = datetime.fromisoformat(at) if isinstance(at, str) else at
        found.append(((happened.replace(tzinfo=due.tzinfo) - due).total_seconds(), package))
    return found


async def _swept(url: str, processes: int, until: datetime) -> None:
    command = (sys.executable, "-W", "ignore", "-m", "bench.timers", url, until.isoformat())
    running = [await asyncio.create_subprocess_exec(*command) for _ in range(processes)]
    for process in running:
        await process.wait()


async def _sweeping(url: str, until: datetime) -> None:
    """One process of the service, as far as it is the clock."""
    store = await Store.open(url, read_policy(POLICY), POLICY, now)
    async with ticking({"sweep": (Sweep(store, _nobody_is_silent).tick, TICK)}):
        await asyncio.sleep((until - now()).total_seconds())
    await store.close()


def _nobody_is_silent(states: list[PackageState]) -> None:
    """All packages here are hard."""


if __name__ == "__main__":
    asyncio.run(_sweeping(sys.argv[1], datetime.fromisoformat(sys.argv[2])))
