"""A callback sender with the store of the tests, a real HTTP client, and a clock that can be moved."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from typing import Any

from sqlalchemy import text

from bot.callbacks.client import callback_client
from bot.callbacks.guard import Network
from rules.package.model import DecisionPackage
from rules.people.directory import Agent
from rules.state.commands import Approve, Escalate
from rules.state.model import PackageState
from scheduler.callbacks.client import CallbackClient
from scheduler.callbacks.sender import CallbackSender
from scheduler.callbacks.tracing import BeginDelivery, pass_trace_on
from store.agents import agent_admin
from store.outbox import callback_admin
from store.outbox.callback_admin import ListedCallback
from tests.rules.world import SENTA, SUSI, ask, package
from tests.store.world import World

LOOPBACK: tuple[Network, ...] = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
WITHIN = 10  # seconds that a receiver has: more than it takes on the busiest machine
SOON = 0.2  # and if it should take longer


def package_with_callback(url: str, **fields: Any) -> DecisionPackage:
    return package(risk_level="high", callback_url=url, **fields)


class Rounds:
    def __init__(self, world: World, post: CallbackClient, trace: BeginDelivery) -> None:
        self.world, self.ahead = world, timedelta()
        self.outcomes: list[str] = []
        self.courier = CallbackSender(world.store, post, self.outcomes.append, self.now, lambda: 0.5, trace=trace)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    async def deliver(self) -> None:
        """Sends everything that is due, and what becomes due by that."""
        courier = self.courier
        courier.notice()
        while courier._running or courier._wake.is_set():  # which each of them sets when it is done
            courier._wake.clear()
            await courier.tick()
            await asyncio.gather(*courier._running)

    async def later(self, span: timedelta) -> None:
        self.ahead += span
        await self.deliver()

    async def submit_approved(self, url: str, agent: Agent | None = None) -> PackageState:
        """An approved package, which has one callback."""
        state = await self.world.submit(package_with_callback(url), agent)
        return await self.world.after(ask(Approve, state), SENTA)

    async def submit_escalated(self, url: str, agent: Agent | None = None) -> PackageState:
        """A package that was escalated and then approved: two callbacks."""
        state = await self.world.submit(package_with_callback(url), agent)
        state = await self.world.after(ask(Escalate, state), SENTA)
        return await self.world.after(ask(Approve, state), SUSI)

    async def callbacks(self) -> list[ListedCallback]:
        """All callbacks, oldest first."""
        rows = await self.world.read(
            lambda connection: connection.execute(text("SELECT callback_id FROM callbacks")).scalars().all()
        )
        callbacks = [await self.callback(callback_id) for callback_id in rows]
        return sorted(callbacks, key=lambda callback: (callback.package_id, callback.revision))

    async def callback(self, callback_id: str) -> ListedCallback:
        return await self.world.read(lambda connection: callback_admin.find_callback(connection, callback_id))

    async def only_callback(self) -> ListedCallback:
        (one,) = await self.callbacks()
        return one

    async def states(self) -> list[str]:
        return [callback.state.value for callback in await self.callbacks()]

    async def secrets(self) -> list[str]:
        """The agent's secrets, newest first."""
        query = "SELECT secret FROM callback_secrets ORDER BY created_at DESC"
        return await self.world.read(lambda connection: list(connection.execute(text(query)).scalars()))

    async def rotate_secret(self, name: str = "Clerk", overlap: timedelta = timedelta(days=1)) -> None:
        now = self.now()
        await self.world.write(
            lambda connection: agent_admin.rotate_credentials(connection, name, now, old_until=now + overlap)
        )

    async def resend(self, callback_id: str) -> str:
        return await self.world.write(
            lambda connection: callback_admin.resend_callback(connection, callback_id, self.now())
        )


@asynccontextmanager
async def open_rounds(
    world: World,
    allowed: Iterable[Network] = LOOPBACK,
    tls: ssl.SSLContext | None = None,
    within: float = WITHIN,
    trace: BeginDelivery = pass_trace_on,
) -> AsyncIterator[Rounds]:
    async with callback_client(allowed, tls, within) as client:
        rounds = Rounds(world, client, trace)
        try:
            yield rounds
        finally:
            await rounds.courier.drain(0)
