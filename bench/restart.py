"""A process that is started on a full database: how long until it answers, and how it answers while the clock looks."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

import aiohttp

from bench.pending import fill
from bench.road import written
from bench.server import started
from bench.world import fresh_database, world

PENDING = 100_000
ASKED_S = 2
LOOKED_FOR = 15.0  # seconds in which requests are timed: the clock looks for missed people in the tenth


class Result(NamedTuple):
    database: str
    none_s: float
    many_s: float
    p99_ms: float


async def run(where: dict[str, str]) -> list[Result]:
    return [await _measured(kind, fresh_database(kind, where)) for kind in where]


async def _measured(kind: str, url: str) -> Result:
    async with world(url) as its:
        rows = await written(its, kind)
    async with _served(url) as (none, _):
        pass
    await fill(kind, url, rows, 0, PENDING)
    async with _served(url) as (many, address):
        took = sorted(await _asked(address))
    return Result(kind, none, many, took[len(took) * 99 // 100] * 1000)


@asynccontextmanager
async def _served(url: str) -> AsyncIterator[tuple[float, str]]:
    """The service, up and answering, and how long that took from the command on, Python's own start included."""
    begun = time.perf_counter()
    async with started(url) as server:
        await _ready(server.url)
        yield time.perf_counter() - begun, server.url


async def _ready(address: str) -> None:
    async with aiohttp.ClientSession() as client, client.get(f"{address}/readyz") as answer:
        answer.raise_for_status()


async def _asked(address: str) -> list[float]:
    """One request after the other."""
    took = []
    end = time.perf_counter() + LOOKED_FOR
    async with aiohttp.ClientSession() as client:
        while time.perf_counter() < end:
            begun = time.perf_counter()
            async with client.get(f"{address}/readyz") as answer:
                answer.raise_for_status()
            took.append(time.perf_counter() - begun)
    return took
