"""Three replicas on one PostgreSQL beside one: the whole way over HTTP, with the load spread over them."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import NamedTuple

import aiohttp

from bench.http import whole_way
from bench.load import rate
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
    pipe, nowhere = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
    command = (sys.executable, "-m", "bench.served", url)
    server = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, stderr=nowhere)
    if server.stdin is None or server.stdout is None:
        raise RuntimeError("the server has no pipes")
    told = json.loads(await server.stdout.readline())
    connector, headers = aiohttp.TCPConnector(limit=0), {"Authorization": f"Bearer {told['key']}"}
    async with aiohttp.ClientSession(told["url"], connector=connector, headers=headers) as agents:
        try:
            yield Replica(agents, server.stdin)
        finally:
            server.stdin.close()
            await server.wait()
