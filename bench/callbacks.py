"""Callbacks to a thousand agents, each with an address of its own, of which one hangs: how late are the others told?

The receivers are one server on loopback, in a process of its own, with a path for each. What is late is counted
from the moment before a package is approved to the arrival of its callback: the decision itself is in it.
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
from bench.world import NO_LIMITS, POLICY, REVIEWER, fresh_database, now, package
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

RECEIVERS, HANGING = 1_000, 100  # one of them hangs, and is to be told so many things
AT_ONCE = 16
ASKED_P99_MS = 1_000


class Result(NamedTuple):
    database: str
    told: int
    rate: float
    p50_ms: float
    p99_ms: float
    most_ms: float
    hanging: int


async def run(where: dict[str, str]) -> list[Result]:
    logs.set_up(LogFormat.JSON)  # it logs as it always does
    return [await _measured(kind, fresh_database(kind, where)) for kind in where]


async def _measured(kind: str, url: str) -> Result:
    with tempfile.NamedTemporaryFile("w", suffix=".toml") as policy:
        policy.write(POLICY)
        policy.flush()
        given = {"COUNTERSIGN_DATABASE_URL": url, "COUNTERSIGN_POLICY": policy.name, "COUNTERSIGN_PORT": 0}
        settings = read_settings(**given, COUNTERSIGN_CALLBACK_ALLOW="127.0.0.0/8")
        async with _receivers() as address, run_service(settings) as its:
            return await _told(kind, its.service.store, address)


async def _told(kind: str, store: Store, address: str) -> Result:
    hired = await _hired(store, address)
    hanging = [await _submitted(store, hired[0]) for _ in range(HANGING)]
    others = [await _submitted(store, agent) for agent in hired[1:]]
    begun: dict[str, float] = {}

    async def approve(package_id: str) -> None:
        begun[package_id] = time.time()
        await _approved(store, package_id)

    decided = await rate(hanging + others, approve, AT_ONCE)
    got = await _arrived(address, len(others))
    late = sorted((got[each] - begun[each]) * 1000 for each in others)
    held = sum(each in got for each in hanging)
    return Result(kind, len(late), decided, late[len(late) // 2], late[len(late) * 99 // 100], late[-1], held)


async def _hired(store: Store, address: str) -> list[Agent]:
    """With the people who decide; each agent is told at a path of its own."""
    people = [Person(user_id=f"U{number}") for number in range(1, 6)]
    await store.write(lambda its: directory.replace_directory(its, people, {}, now()))
    return [await _agent(store, f"{address}/{number}") for number in range(RECEIVERS)]


async def _agent(store: Store, url: str) -> Agent:
    made = await store.write(
        lambda its: agent_admin.add_agent(its, fresh_id(), "U5", now(), callback_url=url, rates=NO_LIMITS)
    )
    found = await store.agent_by_key(made.key)
    if found is None:
        raise RuntimeError("the agent just added was not found")
    return found


async def _submitted(store: Store, agent: Agent) -> str:
    package_id = f"pkg_{fresh_id()}"
    command = Submit(command_id=package_id, decision_package_id=package_id, package=package(1))
    answered = await store.execute_for_agent(agent, command)
    if answered.refusal:
        raise RuntimeError(answered.refusal.sentence)
    return package_id


async def _approved(store: Store, package_id: str) -> None:
    command = Approve(command_id=f"approve {package_id}", decision_package_id=package_id, expected_package_version=1)
    outcome = await store.execute(command, REVIEWER)
    if outcome.refusal:
        raise RuntimeError(outcome.refusal.sentence)


async def _arrived(address: str, others: int) -> dict[str, float]:
    """When each package was told of, once all of the others were."""
    done = f"{address}/got?others={others}"
    async with asyncio.timeout(120), aiohttp.ClientSession() as http, http.get(done) as told:
        return dict(await told.json())


@asynccontextmanager
async def _receivers() -> AsyncIterator[str]:
    command = (sys.executable, "-W", "ignore", "-m", "bench.callbacks")
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    if process.stdout is None:
        raise RuntimeError("the receivers have no pipe")
    try:
        yield (await process.stdout.readline()).decode().strip()
    finally:
        process.kill()
        await process.wait()


async def _receive() -> None:
    others: dict[str, float] = {}
    hanging: dict[str, float] = {}
    arrived = asyncio.Condition()

    async def take(request: web.Request) -> web.Response:
        at, said = time.time(), json.loads(await request.read())
        async with arrived:
            got = hanging if request.path == "/0" else others
            got.setdefault(said["data"]["decision_package_id"], at)
            arrived.notify_all()
        if got is hanging:
            await asyncio.Event().wait()
        return web.Response()

    async def told(request: web.Request) -> web.Response:
        async with arrived:
            await arrived.wait_for(lambda: len(others) >= int(request.query["others"]))
        return web.json_response(others | hanging)

    app = web.Application()
    app.add_routes([web.get("/got", told), web.post("/{number}", take)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(f"http://127.0.0.1:{runner.addresses[0][1]}", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_receive())
