"""A world that does, on request, so many jobs of one piece of the way: a process of its own, so that the same pieces of
another commit can be measured in turn with these (`bench.against`).

It reads one request a line, `{"piece": "claim", "jobs": 50, "at_once": 16}`, and answers each with the seconds it took
and the processor's seconds that our process used. Jobs of a later piece need those of the one before it.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TextIO

import aiohttp

from bench import claims
from bench.http import whole_way
from bench.load import rate
from bench.server import Server, agents_of, started
from bench.world import World, world

WARM_UP = 20
_TICKS = os.sysconf("SC_CLK_TCK")


class Road:
    """What an agent and a reviewer ask of the store, without HTTP."""

    def __init__(self, its: World) -> None:
        self._world, self._made = its, 0
        self._submitted: list[tuple[int, str]] = []
        self._approved: list[tuple[int, str]] = []

    async def submit(self) -> None:
        number = self._made = self._made + 1
        self._submitted.append((number, await self._world.submit(number)))

    async def approve(self) -> None:
        number, package_id = self._submitted.pop(0)
        await self._world.approve(package_id)
        self._approved.append((number, package_id))

    async def claim(self) -> None:
        await claims.claim(self._world, *self._approved.pop(0))


class Http:
    """The whole way over HTTP, with the server in a process of its own."""

    def __init__(self, server: Server, agents: aiohttp.ClientSession) -> None:
        self._server, self._agents, self._made = server, agents, 0

    async def http(self) -> None:
        self._made += 1
        await whole_way(self._agents, self._server.decide, self._made)

    def cpu(self) -> float:
        with Path(f"/proc/{self._server.pid}/stat").open() as stat:
            fields = stat.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS


async def serve(answers: TextIO, road_url: str, http_url: str) -> None:
    async with world(road_url) as its, started(http_url) as server, agents_of(server) as agents:
        road, served = Road(its), Http(server, agents)
        jobs: dict[str, tuple[Callable[[], Awaitable[None]], Callable[[], float]]] = {
            "submit": (road.submit, time.process_time),
            "approve": (road.approve, time.process_time),
            "claim": (road.claim, time.process_time),
            "http": (served.http, served.cpu),
        }
        for job, _ in jobs.values():
            await _timed(job, WARM_UP, 4)
        print(json.dumps("ready"), file=answers, flush=True)
        while line := await asyncio.to_thread(sys.stdin.readline):
            request = json.loads(line)
            job, cpu = jobs[request["piece"]]
            before = cpu()
            seconds = await _timed(job, request["jobs"], request["at_once"])
            print(json.dumps({"seconds": seconds, "cpu": cpu() - before}), file=answers, flush=True)


async def _timed(job: Callable[[], Awaitable[None]], jobs: int, at_once: int) -> float:
    return jobs / await rate(range(jobs), lambda _: job(), at_once)


if __name__ == "__main__":
    with os.fdopen(os.dup(sys.stdout.fileno()), "w") as answers:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what is logged is not an answer
        asyncio.run(serve(answers, *sys.argv[1:]))
