"""Round trips over HTTP with one server process: an agent posts, a reviewer decides, the agent's poll returns."""

from __future__ import annotations

import asyncio
import time
from typing import NamedTuple

import aiohttp

from bench.commands import raw_pairs, record_rows
from bench.load import rate
from bench.server import agent_session, start_server
from bench.world import body, fresh_database, world

TARGET = {"sqlite": 250}  # a second, at least


class Result(NamedTuple):
    rate: float
    p50: float
    p99: float


class Comparison(NamedTuple):
    """Our result, and the rate of the raw driver writing the same rows: no HTTP, no rules, no audit, no polls."""

    ours: Result
    raw: float


async def run(urls: dict[str, str], number: int, at_once: int) -> dict[str, Comparison]:
    return {kind: await _compare(kind, urls, number, at_once) for kind in urls}


async def _compare(kind: str, urls: dict[str, str], number: int, at_once: int) -> Comparison:
    ours = await _measure(fresh_database(kind, urls), number, at_once)
    url = fresh_database(kind, urls)
    async with world(url) as bench_world:
        rows = await record_rows(bench_world, kind)
    return Comparison(ours, await raw_pairs(kind, url, rows, number, at_once))


async def _measure(database_url: str, count: int, at_once: int) -> Result:
    latencies: list[float] = []
    async with start_server(database_url) as server, agent_session(server) as agents:

        async def measure(number: int) -> None:
            start = time.perf_counter()
            await round_trip(agents, server.decide, number)
            latencies.append(time.perf_counter() - start)

        await rate(range(-50, 0), measure, 8)  # to warm up
        latencies.clear()
        per_second = await rate(range(count), measure, at_once)
    latencies.sort()
    return Result(per_second, latencies[len(latencies) // 2], latencies[len(latencies) * 99 // 100])


async def round_trip(agents: aiohttp.ClientSession, decide: asyncio.StreamWriter, job: int) -> None:
    async with agents.post("/v1/packages", json=body(job)) as response:
        package = await response.json()
    tag = response.headers["ETag"]
    poll = asyncio.create_task(_long_poll(agents, response.headers["Location"], tag))
    decide.write(f"{package['decision_package_id']}\n".encode())
    document = await poll
    if not document["may_proceed"]:
        raise RuntimeError(f"released without a permission: {document['status']}")


async def _long_poll(agents: aiohttp.ClientSession, location: str, tag: str) -> dict[str, object]:
    async with agents.get(location, params={"wait": 25}, headers={"If-None-Match": tag}) as response:
        document: dict[str, object] = await response.json()
    return document
