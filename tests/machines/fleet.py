"""Replicas of the service as separate processes, with one database, a load balancer and a stand-in for Slack."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playground.slack import Slack, stand_in
from store.agents import agent_admin
from tests.bot.process.serving import KEY, slack_settings
from tests.bot.slack.office import POLICY, SECRET, furnish
from tests.fork_server import start_program
from tests.machines import replica
from tests.rules.world import OWEN, people
from tests.store.world import NO_LIMITS, open_replica

ROOT = Path(__file__).parent.parent.parent
UP_WITHIN = 60


class Replica:
    """A replica: each restart is a new process with a new address."""

    def __init__(self, settings: Mapping[str, str], folder: Path) -> None:
        self._settings, self._folder = os.environ | settings, folder
        self.url = ""
        self.log: list[dict[str, Any]] = []

    async def start(self, **settings: str) -> None:
        """Start the process with these additional settings."""
        self.process = await start_program(replica.main, "serve", cwd=self._folder, env=self._settings | settings)
        ready = asyncio.Event()
        self._reading = asyncio.create_task(self._read_log(ready))
        async with asyncio.timeout(UP_WITHIN):
            await ready.wait()

    async def _read_log(self, ready: asyncio.Event) -> None:
        async for line in self.process.stderr:
            event = json.loads(line)
            self.log.append(event)
            if event["event"] == "service.ready":
                self.url = event["url"]
                ready.set()

    async def kill(self) -> None:
        self.url = ""
        self.process.send_signal(signal.SIGKILL)
        await self._wait_for_exit()

    async def stop(self) -> int:
        """Stop the process cleanly and return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return await self._wait_for_exit()

    async def _wait_for_exit(self) -> int:
        async with asyncio.timeout(UP_WITHIN):
            await self._reading
            return await self.process.wait()


class Fleet:
    """`url` is the load balancer's: each connection goes to a replica that accepts it."""

    def __init__(self, database_url: str, slack: Slack, replicas: list[Replica], chance: random.Random) -> None:
        self.database_url, self.slack, self.replicas, self.chance = database_url, slack, replicas, chance
        self.url, self.key, self.policy = "", "", POLICY

    async def balance(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            there = await self._one()
            if there is not None:
                await _join((reader, there[1]), (there[0], writer))
        writer.close()

    async def _one(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        for member in self.chance.sample(self.replicas, len(self.replicas)):
            where = urlsplit(member.url)
            with suppress(OSError):
                if member.url:
                    return await asyncio.open_connection(where.hostname, where.port)
        return None


async def _join(*ways: tuple[asyncio.StreamReader, asyncio.StreamWriter]) -> None:
    """Forward data until one side closes the connection."""
    pipes = [asyncio.create_task(_pipe(*way)) for way in ways]
    await asyncio.wait(pipes, return_when=asyncio.FIRST_COMPLETED)
    for pipe, (_, writer) in zip(pipes, ways, strict=True):
        pipe.cancel()
        writer.close()
    await asyncio.gather(*pipes, return_exceptions=True)


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()


@asynccontextmanager
async def fleet(
    database_url: str, folder: Path, size: int = 3, policy: str = POLICY, **settings: str
) -> AsyncIterator[Fleet]:
    async with stand_in(signing_secret=SECRET) as slack:
        furnish(slack)
        service = Fleet(database_url, slack, [], random.Random(4711))
        service.key, service.policy = await _moved_in(database_url), policy
        balancer = await asyncio.start_server(service.balance, "127.0.0.1", 0)
        service.url = "http://127.0.0.1:{1}".format(*balancer.sockets[0].getsockname()[:2])
        settings = _settings(database_url, folder, slack, policy) | {"COUNTERSIGN_PUBLIC_URL": service.url} | settings
        service.replicas = [Replica(settings, folder) for _ in range(size)]
        try:
            await asyncio.gather(*(member.start() for member in service.replicas))
            await slack.connect(f"{service.url}/slack/events")
            yield service
        finally:
            balancer.close()
            for member in service.replicas:
                if member.process.returncode is None:
                    await member.kill()


def _settings(database_url: str, folder: Path, slack: Slack, policy: str) -> dict[str, str]:
    file = folder / "policy.toml"
    file.write_text(policy)
    return {
        "COUNTERSIGN_DATABASE_URL": database_url,
        "COUNTERSIGN_POLICY": str(file),
        "COUNTERSIGN_PORT": "0",
        "COUNTERSIGN_LOG": "json",
        "COUNTERSIGN_KEY": KEY,
        "COUNTERSIGN_CALLBACK_ALLOW": "127.0.0.0/8",
        **slack_settings(slack),
    }


async def _moved_in(database_url: str) -> str:
    """Create people and an agent, and return its key."""
    async with open_replica(database_url) as world:
        await world.people_are(people())
        credentials = await world.write(
            lambda connection: agent_admin.add_agent(connection, "Clerk", OWEN, world.clock(), rates=NO_LIMITS)
        )
    return credentials.key
