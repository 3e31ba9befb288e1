"""The commands of a submission and its decision without HTTP, compared with the raw drivers writing the same rows."""

from __future__ import annotations

from typing import NamedTuple

from bench.load import rate
from bench.raw import open_raw
from bench.rows import Write, dialect_of, record_writes
from bench.world import World, fresh_database, world

CONCURRENCY = (1, 16, 64)
TARGET = {"sqlite": 0.1, "postgresql": 0.2}  # at least this fraction of the driver's own rate


class Result(NamedTuple):
    database: str
    at_once: int
    ours: float
    raw: float

    @property
    def ratio(self) -> float:
        return self.ours / self.raw


async def run(urls: dict[str, str], number: int) -> list[Result]:
    return [await _measure(kind, urls, number, at_once) for kind in urls for at_once in CONCURRENCY]


async def _measure(kind: str, urls: dict[str, str], number: int, at_once: int) -> Result:
    count = number if at_once > 1 else number // 4
    url = fresh_database(kind, urls)
    async with world(url) as bench_world:

        async def submit_and_decide(job: int) -> None:
            await bench_world.approve(await bench_world.submit(job))

        await rate(range(-20, 0), submit_and_decide, 4)  # to warm up
        ours = 2 * await rate(range(count), submit_and_decide, at_once)
        rows = await record_rows(bench_world, kind)
    return Result(kind, at_once, ours, 2 * await raw_pairs(kind, url, rows, count, at_once))


class Rows(NamedTuple):
    """The writes of one submission and one decision, and the id of their package."""

    package: str
    submission: list[Write]
    decision: list[Write]

    def of(self, number: int) -> tuple[list[Write], list[Write]]:
        """The same writes for another package, with ids of its own: of its submission, and of its decision."""
        other = f"pkg_raw{number:021d}"
        fresh = {value: f"{value[:3]}_{place:04d}{number:020d}" for place, value in enumerate(sorted(self._ids()))}
        return (
            [_replace_ids(write, fresh | {self.package: other}) for write in self.submission],
            [_replace_ids(write, fresh | {self.package: other}) for write in self.decision],
        )

    def _ids(self) -> set[str]:
        values = (value for write in (*self.submission, *self.decision) for value in write.parameters)
        return {value for value in values if isinstance(value, str) and value.startswith(("evt_", "rt_"))}


def _replace_ids(write: Write, names: dict[str, str]) -> Write:
    for old, new in names.items():
        write = write.replace(old, new)
    return write


async def record_rows(bench_world: World, kind: str) -> Rows:
    engine, dialect = bench_world.store.database.engine, dialect_of(kind)
    with record_writes(engine, dialect) as submission:
        package = await bench_world.submit(-1)
    with record_writes(engine, dialect) as decision:
        await bench_world.approve(package)
    return Rows(package, submission, decision)


async def raw_pairs(kind: str, url: str, rows: Rows, count: int, at_once: int) -> float:
    """How many submissions with their decisions the raw driver writes per second."""
    raw = await open_raw(kind, url)
    jobs = [rows.of(number) for number in range(count)]

    async def both(job: tuple[list[Write], list[Write]]) -> None:
        for writes in job:
            await raw.write(writes)

    try:
        return await rate(jobs, both, at_once)
    finally:
        await raw.close()
