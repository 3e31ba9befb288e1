"""What one more package costs when many wait already, and what they cost in memory."""

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

from bench.raw import open_raw
from bench.road import Rows, written
from bench.world import World, fresh_database, world
from store.engine.engines import make_engine

FEW, MANY = 1_000, 100_000
ROUNDS, PROBES = 40, 20


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
    return [await _alone(kind, fresh_database(kind, where), fresh_database(kind, where)) for kind in where]


async def _alone(kind: str, few: str, many: str) -> Result:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-W", "ignore", "-m", "bench.pending", kind, few, many, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    return Result(kind, *(float(word) for word in output.split()))


async def _measured(kind: str, few: str, many: str) -> tuple[float, float, float]:
    """A few on the one, a few on the other, again and again: the machine is as fast for both."""
    async with _waiting(few, kind, FEW) as small, _waiting(many, kind, MANY) as large:
        took: tuple[list[float], list[float]] = [], []
        for first in range(0, ROUNDS * PROBES, PROBES):
            for its, taken in zip((small, large), took, strict=True):
                taken.extend(await _probed(its, range(first, first + PROBES)))
    of_few, of_many = (statistics.median(taken) * 1e6 for taken in took)
    return of_few, of_many, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


@asynccontextmanager
async def _waiting(url: str, kind: str, number: int) -> AsyncIterator[World]:
    """So many pending, written by the raw driver as a real submission writes them, or it would take all day."""
    async with world(url) as its:
        await fill(kind, url, await written(its, kind), 0, number)
        _housekeeping(url)
        yield its


def _housekeeping(url: str) -> None:
    """What PostgreSQL does of itself, but in the middle of what is measured, after so many rows at once."""
    engine = make_engine(make_url(url))
    if engine.dialect.name == "postgresql":
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE"))
            connection.execute(text("CHECKPOINT"))
    engine.dispose()


async def fill(kind: str, url: str, rows: Rows, start: int, stop: int) -> None:
    raw = await open_raw(kind, url)
    try:
        for part in in_parts(start, stop):
            await asyncio.gather(*(raw.write(rows.of(number)[0]) for number in part))
    finally:
        await raw.close()


def in_parts(start: int, stop: int) -> list[range]:
    return [range(first, min(first + 500, stop)) for first in range(start, stop, 500)]


async def _probed(its: World, numbers: Iterable[int]) -> list[float]:
    """How long each took: a submission and a decision, in seconds."""
    took = []
    for number in numbers:
        begun = time.perf_counter()
        await its.approve(await its.submit(number))
        took.append(time.perf_counter() - begun)
    return took


if __name__ == "__main__":
    print(*asyncio.run(_measured(*sys.argv[1:])))
