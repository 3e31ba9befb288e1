"""The whole way over HTTP: an agent posts, somebody decides, the long poll is released. One server process."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import NamedTuple

import aiohttp

from bench.load import rate
from bench.road import raw_pairs, written
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


async def _measured(url: str, number: int, at_once: int) -> Result:
    pipe, nowhere = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
    # It logs as it always does: what is written costs, where it goes does not.
    server = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.served", url, stdin=pipe, stdout=pipe, stderr=nowhere
    )
    if server.stdin is None or server.stdout is None:
        raise RuntimeError("the server has no pipes")
    told = json.loads(await server.stdout.readline())
    try:
        return await _driven(told["url"], told["key"], server.stdin, number, at_once)
    finally:
        server.stdin.close()
        await server.wait()


async def _driven(url: str, key: str, decide: asyncio.StreamWriter, number: int, at_once: int) -> Result:
    took: list[float] = []
    connector = aiohttp.TCPConnector(limit=0)
    headers = {"Authorization": f"Bearer {key}"}
    async with aiohttp.ClientSession(url, connector=connector, headers=headers) as agents:

        async def one(job: int) -> None:
            start = time.perf_counter()
            await whole_way(agents, decide, job)
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
