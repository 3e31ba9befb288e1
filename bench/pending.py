"""What one more package costs when many wait already, and what they cost in memory."""

from __future__ import annotations

import asyncio
import resource
import statistics
import sys
import time
from typing import NamedTuple

from bench.raw import open_raw
from bench.road import Rows, written
from bench.world import World, fresh_database, world

FEW, MANY = 1_000, 100_000
PROBES = 400


class Result(NamedTuple):
    database: str
    few_us: float
    many_us: float
    memory_mb: float

    @property
    def ratio(self) -> float:
        return self.many_us / self.few_us


async def run(where: dict[str, str]) -> list[Result]:
    """Each in a process of its own, so that its memory is its own."""
    return [await _alone(kind, fresh_database(kind, where)) for kind in where]


async def _alone(kind: str, url: str) -> Result:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-W", "ignore", "-m", "bench.pending", kind, url, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    few, many, memory = (float(word) for word in output.split())
    return Result(kind, few, many, memory)


async def _measured(kind: str, url: str) -> tuple[float, float, float]:
    """Filled by the raw driver, with the rows of a real submission, so that it does not take all day."""
    async with world(url) as its:
        rows = await written(its, kind)
        await fill(kind, url, rows, 0, FEW)
        few = await _probed(its, 0)
        await fill(kind, url, rows, FEW, MANY)
        many = await _probed(its, PROBES)
    return few, many, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


async def fill(kind: str, url: str, rows: Rows, start: int, stop: int) -> None:
    raw = await open_raw(kind, url)
    try:
        for part in in_parts(start, stop):
            await asyncio.gather(*(raw.write(rows.of(number)[0]) for number in part))
    finally:
        await raw.close()


def in_parts(start: int, stop: int) -> list[range]:
    return [range(first, min(first + 500, stop)) for first in range(start, stop, 500)]


async def _probed(its: World, first: int) -> float:
    """The median, in microseconds, of one submission and one decision."""
    took = []
    for number in range(first, first + PROBES):
        begun = time.perf_counter()
        await its.approve(await its.submit(number))
        took.append(time.perf_counter() - begun)
    return statistics.median(took) * 1e6


if __name__ == "__main__":
    print(*asyncio.run(_measured(*sys.argv[1:])))
