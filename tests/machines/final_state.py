"""The final state after processes were killed: read from the database and from Slack."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import aiohttp
from sqlalchemy import Connection, Row, text

from blocks.card.rendering import render
from bot import cli
from playground.slack import Slack
from rules.policy.parse import read_policy
from rules.state.model import Status
from scheduler.cards.dossiers import dossier_of
from store.outbox.cards import CARDS
from store.packages.events import load_events
from tests.bot.slack.office import POLICY
from tests.fork_server import start_program
from tests.machines.fleet import ROOT, Fleet
from tests.store.soundness import faults
from tests.store.world import Clock, World, open_replica

ENDINGS = {f"package.{status}" for status in Status if status.terminal}


class Ending:
    def __init__(self, world: World, slack: Slack) -> None:
        self.world, self.slack = world, slack

    async def faults(self) -> list[str]:
        return await self.world.read(faults)

    async def packages(self) -> list[str]:
        query = text("SELECT package_id FROM packages ORDER BY package_id")
        return list(await self.world.read(lambda connection: connection.execute(query).scalars().all()))

    async def endings(self) -> Mapping[str, int]:
        """The number of final events of each package."""
        ids, tenant_id = await self.packages(), self.world.tenant_id

        def count_endings(connection: Connection) -> Counter[str]:
            event_lists = ((one, load_events(connection, tenant_id, one)) for one in ids)
            return Counter(one for one, events in event_lists for event in events if event["event_type"] in ENDINGS)

        return await self.world.read(count_endings)

    async def wrong_cards(self) -> list[str]:
        """Packages whose recorded card does not show their current state."""

        def wrong(connection: Connection) -> list[str]:
            rows = connection.execute(CARDS.select()).all()
            return [row.package_id for row in rows if not self._is_right(connection, row)]

        return await self.world.read(wrong)

    def _is_right(self, connection: Connection, row: Row[Any]) -> bool:
        world = self.world
        dossier = dossier_of(connection, world.store.installation, row.package_id, world.clock(), None)
        if dossier is None or row.ts is None or row.behind:
            return False
        drawn, shown = render(dossier), self.slack.message(row.channel, row.ts)
        return (row.rendering_id, shown.text) == (drawn.rendering_id, drawn.text)


async def verify_audit(fleet: Fleet) -> tuple[int | None, str]:
    """The exit code and output of `countersign audit verify`."""
    return await run_command(fleet, "audit", "verify")


async def run_command(fleet: Fleet, *arguments: str) -> tuple[int | None, str]:
    """The exit code and output of a `countersign` command beside the replicas."""
    settings = os.environ | {"COUNTERSIGN_DATABASE_URL": fleet.database_url}
    process = await start_program(cli.main, *arguments, cwd=ROOT, env=settings)
    output, _ = await process.communicate()
    return process.returncode, output.decode()


async def all_shown(fleet: Fleet) -> None:
    """Ask the replicas whether any card is outdated."""
    async with asyncio.timeout(60), aiohttp.ClientSession() as http:
        while "countersign_places_behind 0.0" not in await metrics(http, fleet.url):
            pass


async def metrics(http: aiohttp.ClientSession, url: str) -> str:
    async with http.get(f"{url}/metrics") as response:
        return await response.text()


@asynccontextmanager
async def ending(fleet: Fleet) -> AsyncIterator[Ending]:
    policy = read_policy(POLICY.encode())
    async with open_replica(fleet.database_url, policy, Clock(datetime.now(UTC))) as world:
        yield Ending(world, fleet.slack)
