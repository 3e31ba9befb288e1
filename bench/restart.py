"""Start on a full database: the time until the first answer, and the latency while the first sweeps run."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

import aiohttp

from bench.commands import record_rows
from bench.pending import fill
from bench.server import start_server
from bench.world import fresh_database, world

PENDING = 100_000
TARGET_S = 2
DURATION = 15.0  # seconds in which requests are timed: the first check for absent reviewers runs after ten


class Result(NamedTuple):
    database: str
    none_s: float
    many_s: float
    p99_ms: float


async def run(urls: dict[str, str]) -> list[Result]:
    return [await _measure(kind, fresh_database(kind, urls)) for kind in urls]


async def _measure(kind: str, url: str) -> Result:
    async with world(url) as bench_world:
        rows = await record_rows(bench_world, kind)
    async with _serve(url) as (none, _):
        pass
    await fill(kind, url, rows, 0, PENDING)
    async with _serve(url) as (many, address):
        latencies = sorted(await _time_requests(address))
    return Result(kind, none, many, latencies[len(latencies) * 99 // 100] * 1000)


@asynccontextmanager
async def _serve(url: str) -> AsyncIterator[tuple[float, str]]:
    """The running service, and the seconds from the command to its first answer, with the start of Python."""
    start = time.perf_counter()
    async with start_server(url) as server:
        await _require_ready(server.url)
        yield time.perf_counter() - start, server.url


async def _require_ready(address: str) -> None:
    async with aiohttp.ClientSession() as client, client.get(f"{address}/readyz") as answer:
        answer.raise_for_status()


async def _time_requests(address: str) -> list[float]:
    """The seconds of consecutive requests."""
    latencies = []
    end = time.perf_counter() + DURATION
    async with aiohttp.ClientSession() as client:
        while time.perf_counter() < end:
            start = time.perf_counter()
            async with client.get(f"{address}/readyz") as answer:
                answer.raise_for_status()
            latencies.append(time.perf_counter() - start)
    return latencies
