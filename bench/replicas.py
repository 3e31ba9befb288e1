"""Round trips over HTTP with three replicas on one PostgreSQL, compared with one replica."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import NamedTuple

import aiohttp

from bench.http import round_trip
from bench.load import rate
from bench.server import agent_session, start_server
from bench.world import fresh_database

PROCESSES = (1, 3)


class Result(NamedTuple):
    processes: int
    rate: float


class Replica(NamedTuple):
    agents: aiohttp.ClientSession
    decide: asyncio.StreamWriter


async def run(urls: dict[str, str], number: int, at_once: int) -> list[Result]:
    return [await _measure(urls, processes, number, at_once) for processes in PROCESSES]


async def _measure(urls: dict[str, str], processes: int, count: int, at_once: int) -> Result:
    url = fresh_database("postgresql", urls)
    async with AsyncExitStack() as stack:
        replicas = [await stack.enter_async_context(_start_replica(url)) for _ in range(processes)]

        async def job(number: int) -> None:
            """Posts and polls at one replica, and decides at the next."""
            here, there = replicas[number % processes], replicas[(number + 1) % processes]
            await round_trip(here.agents, there.decide, number)

        await rate(range(-50, 0), job, 8)  # to warm up
        return Result(processes, await rate(range(count), job, at_once))


@asynccontextmanager
async def _start_replica(url: str) -> AsyncIterator[Replica]:
    async with start_server(url) as server, agent_session(server) as agents:
        yield Replica(agents, server.decide)
