"""A feed with the store of the tests, a real HTTP client, and a clock that can be moved."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web
from sqlalchemy import Connection, text

from bot.callbacks.client import callback_client
from rules.record.chain import Event
from scheduler.callbacks.retries import DELAYS
from scheduler.feed.receiver import FeedReceiver
from scheduler.feed.retries import PAUSES
from scheduler.feed.sender import FeedSender
from scheduler.feed.webhook import FeedWebhook
from store.feed import feed_admin
from store.feed.chains import FeedKind
from store.feed.lanes import TAKEN_AT_PRECISION
from store.packages.events import load_events
from tests.scheduler.callbacks.receiver import Receiver
from tests.scheduler.callbacks.rounds import LOOPBACK, WITHIN
from tests.store.audit_record import switch_off_triggers
from tests.store.world import World

PAUSE = PAUSES[0]
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


class Station:
    """`receiver` is what the feed sends to."""

    def __init__(self, world: World, receiver: FeedReceiver, feed: FeedKind = FeedKind.WEBHOOK) -> None:
        self.world, self.ahead = world, timedelta()
        self.outcomes: list[str] = []
        self.sender = FeedSender(world.store, feed, receiver, self.outcomes.append, now=self.now, chance=lambda: 0.5)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    async def send(self) -> None:
        """Look for news, and send all that is due now."""
        await self.sender.tick()
        while self.sender._running:
            await asyncio.gather(*self.sender._running)

    async def later(self, span: timedelta) -> None:
        self.ahead += span
        await self.send()

    async def give_up(self, first: timedelta) -> None:
        """Let time pass until an event that is refused is given up, while the receiver takes others.

        When it took the last one is kept to the second, so each is sent a while after the refusal before it.
        """
        await self.send()
        for delay in (first, *DELAYS):
            await self.world.submit()
            await self.later(2 * TAKEN_AT_PRECISION)
            await self.later(delay + timedelta(seconds=1))

    async def positions(self) -> dict[str, tuple[int, int]]:
        """How far each chain was sent, and how far it is known."""
        query = text("SELECT chain_id, sent, wanted FROM feed_positions WHERE feed = :feed")
        rows = await self.world.read(
            lambda connection: connection.execute(query, {"feed": self.sender.key.feed.value}).all()
        )
        return {row.chain_id: (row.sent, row.wanted) for row in rows}

    async def tamper(self, statement: str, **values: Any) -> None:
        """Change the database as its owner can."""

        def change(connection: Connection) -> None:
            switch_off_triggers(connection)
            connection.execute(text(statement), values)

        await self.world.write(change)

    async def replay(self, **which: Any) -> None:
        """What `countersign feed replay` does."""
        stretches = await self.world.read(lambda connection: feed_admin.find_stretches(connection, **which))
        kind = self.sender.key.feed
        await self.world.write(lambda connection: feed_admin.send_again(connection, kind, stretches, self.now()))

    async def chain(self, package_id: str) -> list[Event]:
        return await self.world.read(lambda connection: load_events(connection, self.world.tenant_id, package_id))


def webhook(client: Any, url: str) -> FeedWebhook:
    return FeedWebhook(client, url, [SECRET])


@asynccontextmanager
async def open_station(world: World, url: str) -> AsyncIterator[Station]:
    async with callback_client(LOOPBACK, None, WITHIN, keeps_connections=True) as client:
        station = Station(world, webhook(client, url))
        try:
            yield station
        finally:
            await station.sender.drain(0)


def sequences(receiver: Receiver, subject: str, path: str = "/hook") -> list[int]:
    """The places in the chain of the events received about this subject, in the order of their arrival."""
    payloads = [got.payload for got in receiver.got if got.path == path]
    return [int(payload["sequence"]) for payload in payloads if payload["subject"] == subject]


def refuses(receiver: Receiver, words: str, status: int = 500, path: str = "/hook") -> list[str]:
    """The receiver answers with this status to every event that contains these words, until the list is empty."""
    words_refused = [words]

    async def answer(request: web.Request) -> web.Response:
        receiver.answers(answer, path=path)
        body = await request.text()
        return web.Response(status=status if any(refused in body for refused in words_refused) else 200)

    receiver.answers(answer, path=path)
    return words_refused
