"""Callbacks to a thousand agents, each with its own address, while one address hangs: how late are the others?

One server on loopback, in another process, receives them all; each agent has its own path. The latency runs from just
before the approval of a package to the arrival of its callback, so it includes the decision.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

import aiohttp
from aiohttp import web

from bench.load import rate
from bench.world import NO_LIMITS, POLICY, REVIEWER, SHOWN, fresh_database, now, package
from bot import logs
from bot.running import run_service
from bot.settings import LogFormat, read_settings
from rules.people.directory import Agent, Person
from rules.state.commands import Approve
from rules.verbs.submission import Submit
from store.agents import agent_admin
from store.installation import directory
from store.installation.installation import fresh_id
from store.store import Store

RECEIVERS, HANGING = 1_000, 100  # agents, and callbacks to the one whose receiver hangs
CONCURRENCY = 16
TARGET_P99_MS = 1_000


class Result(NamedTuple):
    database: str
    delivered: int
    rate: float
    p50_ms: float
    p99_ms: float
    max_ms: float
    hanging: int


async def run(urls: dict[str, str]) -> list[Result]:
    logs.set_up(LogFormat.JSON)  # logging costs time, as in production
    return [await _measure(kind, fresh_database(kind, urls)) for kind in urls]


async def _measure(kind: str, url: str) -> Result:
    with tempfile.NamedTemporaryFile("w", suffix=".toml") as policy:
        policy.write(POLICY)
        policy.flush()
        environment = {"COUNTERSIGN_DATABASE_URL": url, "COUNTERSIGN_POLICY": policy.name, "COUNTERSIGN_PORT": 0}
        settings = read_settings(**environment, COUNTERSIGN_CALLBACK_ALLOW="127.0.0.0/8")
        async with _start_receivers() as address, run_service(settings) as service:
            return await _measure_callbacks(kind, service.service.store, address)


async def _measure_callbacks(kind: str, store: Store, address: str) -> Result:
    agents = await _add_people_and_agents(store, address)
    hanging = [await _submit(store, agents[0]) for _ in range(HANGING)]
    others = [await _submit(store, agent) for agent in agents[1:]]
    started_at: dict[str, float] = {}

    async def approve(package_id: str) -> None:
        started_at[package_id] = time.time()
        await _approve(store, package_id)

    decision_rate = await rate(hanging + others, approve, CONCURRENCY)
    arrived = await _arrival_times(address, len(others))
    latencies = sorted((arrived[package_id] - started_at[package_id]) * 1000 for package_id in others)
    hanging_delivered = sum(package_id in arrived for package_id in hanging)
    return Result(
        kind,
        len(latencies),
        decision_rate,
        latencies[len(latencies) // 2],
        latencies[len(latencies) * 99 // 100],
        latencies[-1],
        hanging_delivered,
    )


async def _add_people_and_agents(store: Store, address: str) -> list[Agent]:
    """Adds the people who decide, and agents with one callback path each."""
    people = [Person(user_id=f"U{number}") for number in range(1, 6)]
    await store.write(lambda connection: directory.replace_directory(connection, people, {}, now()))
    return [await _add_agent(store, f"{address}/{number}") for number in range(RECEIVERS)]


async def _add_agent(store: Store, url: str) -> Agent:
    added = await store.write(
        lambda connection: agent_admin.add_agent(connection, fresh_id(), "U5", now(), callback_url=url, rates=NO_LIMITS)
    )
    agent = await store.agent_by_key(added.key)
    if agent is None:
        raise RuntimeError("the agent just added was not found")
    return agent


async def _submit(store: Store, agent: Agent) -> str:
    package_id = f"pkg_{fresh_id()}"
    command = Submit(command_id=package_id, decision_package_id=package_id, package=package(1))
    answer = await store.execute_for_agent(agent, command)
    if answer.refusal:
        raise RuntimeError(answer.refusal.sentence)
    return package_id


async def _approve(store: Store, package_id: str) -> None:
    command = Approve(
        command_id=f"approve {package_id}",
        decision_package_id=package_id,
        expected_package_version=1,
        rendering_id=SHOWN,
    )
    outcome = await store.execute(command, REVIEWER)
    if outcome.refusal:
        raise RuntimeError(outcome.refusal.sentence)


async def _arrival_times(address: str, expected: int) -> dict[str, float]:
    """When the callback of each package arrived. Waits until all `expected` ones of the other agents have."""
    url = f"{address}/got?others={expected}"
    async with asyncio.timeout(120), aiohttp.ClientSession() as http, http.get(url) as response:
        return dict(await response.json())


@asynccontextmanager
async def _start_receivers() -> AsyncIterator[str]:
    command = (sys.executable, "-W", "ignore", "-m", "bench.callbacks")
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    if process.stdout is None:
        raise RuntimeError("the receivers have no pipe")
    try:
        yield (await process.stdout.readline()).decode().strip()
    finally:
        process.kill()
        await process.wait()


async def _serve_receivers() -> None:
    others: dict[str, float] = {}
    hanging: dict[str, float] = {}
    changed = asyncio.Condition()

    async def receive(request: web.Request) -> web.Response:
        at, callback = time.time(), json.loads(await request.read())
        async with changed:
            received = hanging if request.path == "/0" else others
            received.setdefault(callback["data"]["decision_package_id"], at)
            changed.notify_all()
        if received is hanging:
            await asyncio.Event().wait()
        return web.Response()

    async def times(request: web.Request) -> web.Response:
        async with changed:
            await changed.wait_for(lambda: len(others) >= int(request.query["others"]))
        return web.json_response(others | hanging)

    app = web.Application()
    app.add_routes([web.get("/got", times), web.post("/{number}", receive)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(f"http://127.0.0.1:{runner.addresses[0][1]}", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve_receivers())
