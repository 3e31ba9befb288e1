"""The whole way over HTTP: an agent posts, somebody decides, the long poll is released. One server process."""

from __future__ import annotations

import asyncio
import time
from typing import NamedTuple

import aiohttp

from bench.load import rate
from bench.road import raw_pairs, written
from bench.server import agents_of, started
from bench.world import body, fresh_database, world

ASKED = {"sqlite": 250}  # a second, at least


class Result(NamedTuple):
    rate: float
    p50: float
    p99: float


class Compared(NamedTuple):
    """Beside the raw driver writing the same rows in the same run: no HTTP, no rules, no audit, nobody who waits."""

    ours: Result
    raw: float


async def run(where: dict[str, str], number: int, at_once: int) -> dict[str, Compared]:
    return {kind: await _compared(kind, where, number, at_once) for kind in where}


async def _compared(kind: str, where: dict[str, str], number: int, at_once: int) -> Compared:
    ours = await _measured(fresh_database(kind, where), number, at_once)
    url = fresh_database(kind, where)
    async with world(url) as its:
        rows = await written(its, kind)
    return Compared(ours, await raw_pairs(kind, url, rows, number, at_once))


async def _measured(database_url: str, number: int, at_once: int) -> Result:
    took: list[float] = []
    async with started(database_url) as server, agents_of(server) as agents:

        async def one(job: int) -> None:
            start = time.perf_counter()
            await whole_way(agents, server.decide, job)
            took.append(time.perf_counter() - start)

        await rate(range(-50, 0), one, 8)
        took.clear()
        per_second = await rate(range(number), one, at_once)
    took.sort()
    return Result(per_second, took[len(took) // 2], took[len(took) * 99 // 100])


async def whole_way(agents: aiohttp.ClientSession, decide: asyncio.StreamWriter, job: int) -> None:
    async with agents.post("/v1/packages", json=body(job)) as posted:
        package = await posted.json()
    tag = posted.headers["ETag"]
    poll = asyncio.create_task(_released(agents, posted.headers["Location"], tag))
    decide.write(f"{package['decision_package_id']}\n".encode())
    told = await poll
    if not told["may_proceed"]:
        raise RuntimeError(f"released without a permission: {told['status']}")


async def _released(agents: aiohttp.ClientSession, location: str, tag: str) -> dict[str, object]:
    async with agents.get(location, params={"wait": 25}, headers={"If-None-Match": tag}) as answer:
        told: dict[str, object] = await answer.json()
    return told
