"""A process that does jobs of one kind on request, so that `bench.against` can measure two commits in turn.

It reads one request per line, `{"piece": "claim", "jobs": 50, "at_once": 16}`, and answers each with the elapsed
seconds and the processor seconds of our process. Jobs of a later kind use packages that the kind before it has made.
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
from bench.http import round_trip
from bench.load import rate
from bench.server import Server, agent_session, start_server
from bench.world import World, world

WARM_UP = 20
_TICKS = os.sysconf("SC_CLK_TCK")


class StoreJobs:
    """An agent's and a reviewer's commands to the store, without HTTP."""

    def __init__(self, bench_world: World) -> None:
        self._world, self._count = bench_world, 0
        self._submitted: list[tuple[int, str]] = []
        self._approved: list[tuple[int, str]] = []

    async def submit(self) -> None:
        number = self._count = self._count + 1
        self._submitted.append((number, await self._world.submit(number)))

    async def approve(self) -> None:
        number, package_id = self._submitted.pop(0)
        await self._world.approve(package_id)
        self._approved.append((number, package_id))

    async def claim(self) -> None:
        await claims.claim(self._world, *self._approved.pop(0))


class HttpJobs:
    """Round trips over HTTP, with the server in a process of its own."""

    def __init__(self, server: Server, agents: aiohttp.ClientSession) -> None:
        self._server, self._agents, self._count = server, agents, 0

    async def http(self) -> None:
        self._count += 1
        await round_trip(self._agents, self._server.decide, self._count)

    def cpu(self) -> float:
        """The processor seconds of the server: in proc(5), fields 14 and 15 are `utime` and `stime`, in ticks."""
        with Path(f"/proc/{self._server.pid}/stat").open() as stat:
            fields = stat.read().rpartition(")")[2].split()  # from field 3 on
        return (int(fields[11]) + int(fields[12])) / _TICKS


async def serve(answers: TextIO, store_url: str, http_url: str) -> None:
    async with world(store_url) as bench_world, start_server(http_url) as server, agent_session(server) as agents:
        store_jobs, http_jobs = StoreJobs(bench_world), HttpJobs(server, agents)
        jobs: dict[str, tuple[Callable[[], Awaitable[None]], Callable[[], float]]] = {
            "submit": (store_jobs.submit, time.process_time),
            "approve": (store_jobs.approve, time.process_time),
            "claim": (store_jobs.claim, time.process_time),
            "http": (http_jobs.http, http_jobs.cpu),
        }
        for job, _ in jobs.values():
            await _time(job, WARM_UP, 4)
        print(json.dumps("ready"), file=answers, flush=True)
        while line := await asyncio.to_thread(sys.stdin.readline):
            request = json.loads(line)
            job, cpu = jobs[request["piece"]]
            before = cpu()
            seconds = await _time(job, request["jobs"], request["at_once"])
            print(json.dumps({"seconds": seconds, "cpu": cpu() - before}), file=answers, flush=True)


async def _time(job: Callable[[], Awaitable[None]], jobs: int, at_once: int) -> float:
    return jobs / await rate(range(jobs), lambda _: job(), at_once)


if __name__ == "__main__":
    with os.fdopen(os.dup(sys.stdout.fileno()), "w") as answers:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # logs go to stderr, so that stdout has answers only
        asyncio.run(serve(answers, *sys.argv[1:]))
