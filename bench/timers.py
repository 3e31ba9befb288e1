"""Timers: of many pending packages, a tenth becomes due within seconds. How late does each fire, and only once?"""

from __future__ import annotations

import asyncio
import sys
import time
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection, text

from bench.commands import Rows, record_rows
from bench.pending import batches
from bench.raw import open_raw
from bench.rows import Write
from bench.world import POLICY, World, fresh_database, now, world
from rules.policy.parse import read_policy
from rules.record.chain import rfc3339
from rules.state.model import PackageState
from scheduler.ticks import ticking
from scheduler.time.due import Sweep
from store.commands.policies import PolicyFile
from store.store import Store

PENDING, DUE, WITHIN = 100_000, 10_000, timedelta(seconds=10)
TICK = 1.0
TARGET_P99_MS, TARGET_IDLE_MS = TICK * 1000 + 100, 5
_STARTING = timedelta(seconds=20)  # the processes start before the first is due
_WRITTEN_PER_SECOND = 400  # packages, at least


class Result(NamedTuple):
    database: str
    processes: int
    p50_ms: float
    p99_ms: float
    fired: int
    twice: int
    idle_ms: float


async def run(urls: dict[str, str]) -> list[Result]:
    cases = [(kind, processes) for kind in urls for processes in ((1,) if kind == "sqlite" else (1, 3))]
    return [await _measure(kind, processes, fresh_database(kind, urls)) for kind, processes in cases]


async def _measure(kind: str, processes: int, url: str) -> Result:
    async with world(url) as bench_world:
        rows = await record_rows(bench_world, kind)
        await _fill(kind, url, rows, range(PENDING - DUE))
        idle = await _idle(bench_world)
        first = now() + timedelta(seconds=DUE / _WRITTEN_PER_SECOND) + _STARTING
        await _fill(kind, url, rows, range(PENDING, PENDING + DUE), first)
        await _run_sweeps(url, processes, first + WITHIN + timedelta(seconds=30))
        late = sorted(await bench_world.store.read(lambda connection: _lateness(connection, first)))
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


async def _idle(bench_world: World) -> float:
    """The median duration of a sweep when nothing is due, in milliseconds."""
    sweep, seconds = Sweep(bench_world.store, _ignore_silence), []
    for _ in range(50):
        start = time.perf_counter()
        await sweep.tick()
        seconds.append(time.perf_counter() - start)
    return sorted(seconds)[25] * 1000


async def _fill(kind: str, url: str, rows: Rows, numbers: range, first: datetime | None = None) -> None:
    """Writes copies of a real submission. With `first`, each is due a little later than the one before."""
    raw = await open_raw(kind, url)
    try:
        for part in batches(numbers.start, numbers.stop):
            jobs = (_with_due_time(rows.of(number)[0], first, number - numbers.start) for number in part)
            await asyncio.gather(*(raw.write(writes) for writes in jobs))
    finally:
        await raw.close()


def _with_due_time(writes: list[Write], first: datetime | None, number: int) -> list[Write]:
    if first is None:
        return writes
    (state,) = (value for write in writes for value in write.parameters if str(value).startswith('{"tenant_id"'))
    old = PackageState.model_validate_json(state).task.due_at
    return [_with_deadline(write, old, first + number * WITHIN / DUE) for write in writes]


def _with_deadline(write: Write, old: datetime, due: datetime) -> Write:
    """The same write for a package with another deadline."""
    spellings = [(_sqlite_text(old), _sqlite_text(due)), (rfc3339(old), rfc3339(due))]

    def move(value: Any) -> Any:
        if isinstance(value, datetime):
            return due if value == old else value
        for before, after in spellings if isinstance(value, str) else ():
            value = value.replace(before, after)
        return value

    return Write(write.sql, tuple(move(value) for value in write.parameters))


def _sqlite_text(moment: datetime) -> str:
    return moment.replace(tzinfo=None).isoformat(" ", "microseconds")


def _lateness(connection: Connection, first: datetime) -> list[tuple[float, str]]:
    """For each escalated package, how many seconds after its deadline it escalated."""
    query = text("SELECT package_id, occurred_at FROM events WHERE event_type = 'package.escalated'")
    rows = []
    for package, occurred_at in connection.execute(query):
        due = first + int(package.removeprefix("pkg_raw")) % PENDING * WITHIN / DUE
        happened = datetime.fromisoformat(occurred_at) if isinstance(occurred_at, str) else occurred_at
        rows.append(((happened.replace(tzinfo=due.tzinfo) - due).total_seconds(), package))
    return rows


async def _run_sweeps(url: str, processes: int, until: datetime) -> None:
    command = (sys.executable, "-W", "ignore", "-m", "bench.timers", url, until.isoformat())
    sweepers = [await asyncio.create_subprocess_exec(*command) for _ in range(processes)]
    for process in sweepers:
        await process.wait()


async def _sweep_until(url: str, until: datetime) -> None:
    """Sweeps as one process of the service does."""
    store = await Store.open(url, PolicyFile(read_policy(POLICY), POLICY), now)
    async with ticking({"sweep": (Sweep(store, _ignore_silence).tick, TICK)}):
        await asyncio.sleep((until - now()).total_seconds())
    await store.close()


def _ignore_silence(states: list[PackageState]) -> None:
    """Does nothing: all packages here need an explicit approval."""


if __name__ == "__main__":
    asyncio.run(_sweep_until(sys.argv[1], datetime.fromisoformat(sys.argv[2])))
