"""How soon an agent is told that its thread is held or resumed, by another replica on PostgreSQL.

Each agent has a long poll open at a replica over HTTP. The command is given in this process, which is another replica.
"""

from __future__ import annotations

import asyncio
import time
from typing import NamedTuple

import aiohttp

from bench.server import agent_session, start_server
from bench.world import REVIEWER, World, body, fresh_database, world
from rules.threads.commands import HoldThread, ResumeThread, ThreadCommand
from store.agents.agents import agent_by_key
from store.installation.installation import fresh_id
from store.threads.thread_store import ThreadStore

TARGET_MS = 100
_SETTLES = 0.02  # seconds until a long poll has certainly begun: it is not part of what is measured


class Result(NamedTuple):
    command: str
    p50_ms: float
    p99_ms: float


async def run(urls: dict[str, str], number: int) -> list[Result]:
    url = fresh_database("postgresql", urls)
    async with world(url) as here, start_server(url) as server, agent_session(server) as agents:
        owner = await here.store.read(
            lambda connection: agent_by_key(
                connection, here.store.installation.tenant_id, server.key, here.store.clock()
            )
        )
        if owner is None:
            raise RuntimeError("the replica's agent was not found")
        latencies: dict[str, list[float]] = {"held": [], "resumed": []}
        for job in range(number):
            thread = f"thread-{job}"
            await _begin(agents, thread, job)
            hold = HoldThread(command_id=f"hold {fresh_id()}", thread_id=thread, reason="Wait.")
            latencies["held"].append(await _measure(here, agents, hold))
            resume = ResumeThread(command_id=f"resume {fresh_id()}", thread_id=thread)
            latencies["resumed"].append(await _measure(here, agents, resume))
        return [_result(command, seconds) for command, seconds in latencies.items()]


async def _begin(agents: aiohttp.ClientSession, thread: str, job: int) -> None:
    async with agents.post("/v1/packages", json=body(job) | {"thread_id": thread}) as response:
        response.raise_for_status()


async def _measure(here: World, agents: aiohttp.ClientSession, command: ThreadCommand) -> float:
    """From the command, given here, to the answer of the long poll there."""
    path = f"/v1/threads/{command.thread_id}"
    async with agents.get(path) as response:
        tag = response.headers["ETag"]
    poll = asyncio.create_task(_poll(agents, path, tag))
    await asyncio.sleep(_SETTLES)
    start = time.perf_counter()
    outcome = await ThreadStore(here.store).execute(command, REVIEWER)
    if outcome.refusal:
        raise RuntimeError(outcome.refusal.sentence)
    return await poll - start


async def _poll(agents: aiohttp.ClientSession, path: str, tag: str) -> float:
    async with agents.get(path, params={"wait": 25}, headers={"If-None-Match": tag}) as response:
        await response.read()
        if response.status != 200:
            raise RuntimeError(f"the long poll was answered with {response.status}")
    return time.perf_counter()


def _result(command: str, seconds: list[float]) -> Result:
    ordered = sorted(second * 1000 for second in seconds)
    return Result(command, ordered[len(ordered) // 2], ordered[len(ordered) * 99 // 100])
