"""Starts `countersign serve` as a process, as an operator does, with a stand-in for Slack."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import resource
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from bot import cli
from playground.slack import Slack, stand_in
from store.agents import agent_admin
from store.engine.database import open_database
from store.installation import directory
from tests.bot.service import POLICY
from tests.bot.slack.address import Address, public_address
from tests.bot.slack.office import SECRET, furnish
from tests.fork_server import Program, start_program
from tests.rules.world import OWEN, people

KEY = base64.b64encode(bytes(32)).decode()
ROOT = Path(__file__).parents[3]


@dataclass
class Process:
    program: Program
    key: str
    slack: Slack
    address: Address | None = None
    url: str = ""
    log: list[dict[str, Any]] = field(default_factory=list)

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}

    async def read_log(self, until: str | None = None) -> dict[str, Any]:
        """Read until the event of this name, or until the end."""
        async for line in self.program.stderr:
            self.log.append(json.loads(line))
            if self.log[-1]["event"] == until:
                return self.log[-1]
        assert until is None, self.log
        return {}


def slack_settings(slack: Slack) -> dict[str, str]:
    return {
        "SLACK_BOT_TOKEN": slack.bot_token,
        "SLACK_SIGNING_SECRET": slack.signing_secret,
        "SLACK_API_URL": slack.api_url,
    }


@asynccontextmanager
async def serve_process(
    database_url: str,
    folder: Path,
    descriptors: tuple[int, int] | None = None,
    /,
    *,
    policy: str = POLICY,
    **settings: str,
) -> AsyncIterator[Process]:
    """Start the process. `descriptors` are its soft and hard limits on open files."""
    async with stand_in(signing_secret=SECRET) as slack, public_address() as address:
        furnish(slack)
        (folder / "policy.toml").write_text(policy)
        given = {"COUNTERSIGN_PUBLIC_URL": address.url} | settings
        async with _start_process(database_url, folder, slack, given, descriptors) as process:
            address.behind, process.address = process.url, address
            await slack.connect(address.events)
            yield process


@asynccontextmanager
async def _start_process(
    database_url: str, folder: Path, slack: Slack, given: dict[str, str], descriptors: tuple[int, int] | None
) -> AsyncIterator[Process]:
    settings = {
        "COUNTERSIGN_DATABASE_URL": database_url,
        "COUNTERSIGN_POLICY": str(folder / "policy.toml"),
        "COUNTERSIGN_PORT": "0",
        "COUNTERSIGN_LOG": "json",
        "COUNTERSIGN_KEY": KEY,
        **slack_settings(slack),
        **given,
    }
    key = await add_people_and_agent(database_url)
    started = await start_program(partial(_run_serve, descriptors), "serve", cwd=folder, env=os.environ | settings)
    process = Process(started, key, slack)
    try:
        async with asyncio.timeout(60):
            process.url = (await process.read_log(until="service.ready"))["url"]
        yield process
    finally:
        if started.returncode is None:
            started.kill()
        await started.communicate()  # the process cannot end while its log is unread


def _run_serve(descriptors: tuple[int, int] | None) -> NoReturn:
    if descriptors:
        resource.setrlimit(resource.RLIMIT_NOFILE, descriptors)
    cli.main()


async def add_people_and_agent(database_url: str) -> str:
    """Fill the directory, add an agent and return its key."""
    database, now = open_database(database_url), datetime.now(UTC)
    await database.write(lambda connection: directory.replace_directory(connection, people().values(), {}, as_of=now))
    credentials = await database.write(lambda connection: agent_admin.add_agent(connection, "Clerk", OWEN, now))
    await database.close()
    return credentials.key
