"""The time for one more package when many are pending, and the memory that they take."""

from __future__ import annotations

import asyncio
import resource
import statistics
import sys
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.engine import make_url

from bench.commands import Rows, record_rows
from bench.raw import open_raw
from bench.world import World, fresh_database, log_to_stderr, world
from store.engine.engines import make_engine

FEW, MANY = 1_000, 100_000
ROUNDS, PROBES = 40, 20
BATCH = 500  # packages that are written at once


class Result(NamedTuple):
    database: str
    few_us: float
    many_us: float
    memory_mb: float

    @property
    def ratio(self) -> float:
        return self.many_us / self.few_us


async def run(urls: dict[str, str]) -> list[Result]:
    """Measures each database in a process of its own, so that the memory is that of this measurement alone."""
    return [await _measure_in_process(kind, fresh_database(kind, urls), fresh_database(kind, urls)) for kind in urls]


async def _measure_in_process(kind: str, few: str, many: str) -> Result:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-W", "ignore", "-m", "bench.pending", kind, few, many, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    return Result(kind, *(float(word) for word in output.split()))


async def _measure(kind: str, few: str, many: str) -> tuple[float, float, float]:
    """Probes the small and the large database in turn, so that a slow moment of the machine affects both alike."""
    async with _filled_world(few, kind, FEW) as small, _filled_world(many, kind, MANY) as large:
        times: tuple[list[float], list[float]] = [], []
        for first in range(0, ROUNDS * PROBES, PROBES):
            for bench_world, seconds in zip((small, large), times, strict=True):
                seconds.extend(await _probe(bench_world, range(first, first + PROBES)))
    median_few, median_many = (statistics.median(seconds) * 1e6 for seconds in times)
    return median_few, median_many, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


@asynccontextmanager
async def _filled_world(url: str, kind: str, number: int) -> AsyncIterator[World]:
    """A world with so many pending packages. The raw driver writes them as real submissions, which saves hours."""
    async with world(url) as bench_world:
        await fill(kind, url, await record_rows(bench_world, kind), 0, number)
        vacuum(url)
        yield bench_world


def vacuum(url: str) -> None:
    """Does now what PostgreSQL would otherwise do by itself during the measurement, after so many new rows."""
    engine = make_engine(make_url(url))
    if engine.dialect.name == "postgresql":
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE"))
            connection.execute(text("CHECKPOINT"))
    engine.dispose()


async def fill(kind: str, url: str, rows: Rows, start: int, stop: int) -> None:
    raw = await open_raw(kind, url)
    try:
        for part in batches(start, stop):
            await asyncio.gather(*(raw.write(rows.of(number)[0]) for number in part))
    finally:
        await raw.close()


def batches(start: int, stop: int) -> list[range]:
    return [range(first, min(first + BATCH, stop)) for first in range(start, stop, BATCH)]


async def _probe(bench_world: World, numbers: Iterable[int]) -> list[float]:
    """The seconds that each submission with its decision took."""
    seconds = []
    for number in numbers:
        start = time.perf_counter()
        await bench_world.approve(await bench_world.submit(number))
        seconds.append(time.perf_counter() - start)
    return seconds


if __name__ == "__main__":
    log_to_stderr()
    print(*asyncio.run(_measure(*sys.argv[1:])))
