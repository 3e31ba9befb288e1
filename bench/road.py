"""Submit and decide down the one road, beside the raw drivers writing the same rows."""

from __future__ import annotations

from typing import NamedTuple

from bench.load import rate
from bench.raw import open_raw
from bench.rows import Write, dialect_of, watched
from bench.world import World, fresh_database, world

AT_ONCE = (1, 16, 64)
ASKED = {"sqlite": 0.1, "postgresql": 0.2}  # at least this part of what the driver alone does


class Result(NamedTuple):
    database: str
    at_once: int
    ours: float
    raw: float

    @property
    def ratio(self) -> float:
        return self.ours / self.raw


async def run(where: dict[str, str], number: int) -> list[Result]:
    return [await _measured(kind, where, number, at_once) for kind in where for at_once in AT_ONCE]


async def _measured(kind: str, where: dict[str, str], number: int, at_once: int) -> Result:
    count = number if at_once > 1 else number // 4
    url = fresh_database(kind, where)
    async with world(url) as its:

        async def submit_and_decide(job: int) -> None:
            await its.approve(await its.submit(job))

        await rate(range(-20, 0), submit_and_decide, 4)
        ours = 2 * await rate(range(count), submit_and_decide, at_once)
        rows = await written(its, kind)
    return Result(kind, at_once, ours, 2 * await raw_pairs(kind, url, rows, count, at_once))


class Rows(NamedTuple):
    """One submission and one decision, and the id that makes them those of one package."""

    package: str
    submission: list[Write]
    decision: list[Write]

    def of(self, number: int) -> tuple[list[Write], list[Write]]:
        """The same for another package: ids, bodies and all."""
        other = f"pkg_raw{number:021d}"
        fresh = {value: f"{value[:3]}_{place:04d}{number:020d}" for place, value in enumerate(sorted(self._ids()))}
        return (
            [_other(write, fresh | {self.package: other}) for write in self.submission],
            [_other(write, fresh | {self.package: other}) for write in self.decision],
        )

    def _ids(self) -> set[str]:
        values = (value for write in (*self.submission, *self.decision) for value in write.parameters)
        return {value for value in values if isinstance(value, str) and value.startswith(("evt_", "rt_"))}


def _other(write: Write, names: dict[str, str]) -> Write:
    for old, new in names.items():
        write = write.anew(old, new)
    return write


async def written(its: World, kind: str) -> Rows:
    engine, dialect = its.store.database.engine, dialect_of(kind)
    with watched(engine, dialect) as submission:
        package = await its.submit(-1)
    with watched(engine, dialect) as decision:
        await its.approve(package)
    return Rows(package, submission, decision)


async def raw_pairs(kind: str, url: str, rows: Rows, count: int, at_once: int) -> float:
    """Submissions with their decisions, a second, that the driver alone writes."""
    raw = await open_raw(kind, url)
    jobs = [rows.of(number) for number in range(count)]

    async def both(job: tuple[list[Write], list[Write]]) -> None:
        for writes in job:
            await raw.write(writes)

    try:
        return await rate(jobs, both, at_once)
    finally:
        await raw.close()
