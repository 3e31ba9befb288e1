"""Three replicas on one PostgreSQL beside one: the whole way over HTTP, with the load spread over them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import NamedTuple

import aiohttp

from bench.http import whole_way
from bench.load import rate
from bench.server import agents_of, started
from bench.world import fresh_database

PROCESSES = (1, 3)


class Result(NamedTuple):
    processes: int
    rate: float


class Replica(NamedTuple):
    agents: aiohttp.ClientSession
    decide: asyncio.StreamWriter


async def run(where: dict[str, str], number: int, at_once: int) -> list[Result]:
    return [await _measured(where, count, number, at_once) for count in PROCESSES]


async def _measured(where: dict[str, str], processes: int, number: int, at_once: int) -> Result:
    url = fresh_database("postgresql", where)
    async with AsyncExitStack() as stack:
        replicas = [await stack.enter_async_context(_replica(url)) for _ in range(processes)]

        async def job(its: int) -> None:
            """Posted here, decided at the next replica, awaited here."""
            here, there = replicas[its % processes], replicas[(its + 1) % processes]
            await whole_way(here.agents, there.decide, its)

        await rate(range(-50, 0), job, 8)
        return Result(processes, await rate(range(number), job, at_once))


@asynccontextmanager
async def _replica(url: str) -> AsyncIterator[Replica]:
    async with started(url) as server, agents_of(server) as agents:
        yield Replica(agents, server.decide)
