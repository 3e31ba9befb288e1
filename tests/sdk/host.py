"""The service in its own process, which tests kill and start again at the same address, next to one Slack."""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bot import cli
from playground.model.messages import Message
from playground.slack import Slack, stand_in
from tests.bot.process.serving import KEY, add_people_and_agent, slack_settings
from tests.bot.service import POLICY
from tests.bot.slack.office import CHANNEL, CONFIRMED, SECRET, SENTA, furnish
from tests.fork_server import Program, start_program


class Host:
    def __init__(self, slack: Slack, folder: Path, database_url: str, key: str) -> None:
        self.slack, self.key, self._folder = slack, key, folder
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._environment = os.environ | {
            "COUNTERSIGN_DATABASE_URL": database_url,
            "COUNTERSIGN_POLICY": str(folder / "policy.toml"),
            "COUNTERSIGN_PORT": str(self.port),
            "COUNTERSIGN_PUBLIC_URL": self.url,
            "COUNTERSIGN_LOG": "json",
            "COUNTERSIGN_KEY": KEY,
            **slack_settings(slack),
        }
        self._process: Program | None = None

    async def start(self) -> None:
        self._process = await start_program(cli.main, "serve", cwd=self._folder, env=self._environment)
        async with asyncio.timeout(60):
            async for line in self._process.stderr:
                if json.loads(line)["event"] == "service.ready":
                    break
        self.slack.app_at(f"{self.url}/slack/events")

    async def kill(self) -> None:
        assert self._process is not None
        if self._process.returncode is None:
            self._process.kill()
        await self._process.communicate()

    async def card(self) -> Message:
        """Waits for the only card."""
        await self.slack.until(lambda: bool(self.slack.messages(CHANNEL)))
        return self.slack.messages(CHANNEL)[0]

    async def approve(self) -> None:
        await self.slack.click(SENTA, await self.card(), "approve")
        await self.slack.submit(SENTA, {"comment": "Checked.", "confirmed": [CONFIRMED]})


@asynccontextmanager
async def run_host(database_url: str, folder: Path) -> AsyncIterator[Host]:
    (folder / "policy.toml").write_text(f'{POLICY}\n[channels]\ndefault = "{CHANNEL}"\n')
    async with stand_in(signing_secret=SECRET, ack_within=60) as slack:
        furnish(slack)
        host = Host(slack, folder, database_url, await add_people_and_agent(database_url))
        await host.start()
        try:
            yield host
        finally:
            await host.kill()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
