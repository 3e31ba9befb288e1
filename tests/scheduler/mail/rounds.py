"""Everything that tells people by mail, with the store of the tests, a real mail server, and a clock that can be moved."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import text

from bot.callbacks.client import callback_client
from bot.mail.client import SmtpClient
from bot.mail.server import parse_sender, parse_smtp_url
from rules.state.model import PackageState
from rules.state.sightings import CardLocation
from scheduler.callbacks.sender import CallbackSender
from scheduler.mail.opening import MailOpener
from scheduler.mail.outage import SlackOutage
from scheduler.mail.post import MailPost
from scheduler.mail.recording import MailRecorder
from scheduler.mail.returning import ReturningPeople
from store.installation import presence
from store.installation.presence import SignOfLife
from store.outbox import callback_admin
from store.packages.events import load_events
from tests.mail_server import MailServer
from tests.scheduler.callbacks.rounds import LOOPBACK
from tests.store.world import World

SENDER = parse_sender("Countersign <countersign@example.com>")
SOON = timedelta(seconds=3)  # longer than a takeover waits for its card
LATER = timedelta(seconds=6)  # longer than a mail waits for others
LEASE = timedelta(seconds=61)
OFTEN = timedelta(minutes=1)  # how often an outage is looked at


def soon() -> datetime:
    return datetime.now(UTC) + SOON


def link_to(card: CardLocation) -> str:
    return f"https://t.slack.com/archives/{card.channel}/p{card.ts}"


class MailRounds:
    def __init__(self, world: World, server: MailServer, client: SmtpClient, http: Any) -> None:
        self.world, self.server, self.client, self.http, self.ahead = world, server, client, http, SOON
        self.outcomes: list[str] = []
        self.unreached: datetime | None = None
        post = MailPost(
            world.store,
            client,
            SENDER,
            link_to=link_to,
            count=self.outcomes.append,
            now=self.now,
            chance=lambda: 0.5,
        )
        self.opener, self.recorder = MailOpener(world.store, self.now), MailRecorder(world.store)
        self.outage, self.returning = SlackOutage(world.store, self.now), ReturningPeople(world.store, self.now)
        self.courier = CallbackSender(world.store, http, self.outcomes.append, self.now, lambda: 0.5, mail=post)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    async def transmit(self) -> None:
        """Open what can be opened, and send what is due."""
        await self.opener.tick()
        await self.courier.tick()
        await asyncio.gather(*self.courier._running)

    async def send(self) -> None:
        await self.transmit()
        await self.recorder.tick()

    async def later(self, span: timedelta = LATER) -> None:
        self.ahead += span
        await self.send()

    async def slack_is(self, *, away: bool, span: timedelta = timedelta(0)) -> None:
        """A replica has not reached Slack for so long, or reaches it."""
        now = self.world.clock()
        sign = SignOfLife(self.world.tenant_id, "p1", now - span, None, 0, None)
        await self.world.write(lambda connection: presence.record_sign_of_life(connection, sign))
        self.unreached = now - span if away else None
        beat = sign._replace(now=now, unreached=self.unreached)
        await self.world.write(lambda connection: presence.record_sign_of_life(connection, beat))

    async def outage_goes_on(self, span: timedelta = OFTEN) -> None:
        """So much time passes, and Slack stays away. Then who has to be told is noted."""
        self.world.clock.passes(span)
        beat = SignOfLife(self.world.tenant_id, "p1", self.world.clock(), None, 0, self.unreached)
        await self.world.write(lambda connection: presence.record_sign_of_life(connection, beat))
        await self.outage.tick()

    async def rows(self, query: str) -> list[tuple[Any, ...]]:
        return await self.world.read(lambda connection: [tuple(row) for row in connection.execute(text(query))])

    async def mails(self) -> list[tuple[Any, ...]]:
        """The person, the state and the last error of each mail, the oldest first."""
        return await self.rows(
            "SELECT agent_id, state, last_error FROM callbacks WHERE kind = 'mail' ORDER BY created_at, agent_id"
        )

    async def states(self) -> list[str]:
        return [state for _, state, _ in await self.mails()]

    async def needs(self) -> list[tuple[Any, ...]]:
        return await self.rows(
            "SELECT user_id, reason, state, dropped FROM mail_needs ORDER BY user_id, reason, occasion"
        )

    async def recorded(self, state: PackageState) -> list[list[dict[str, Any]]]:
        """The mails that each event of the package records."""
        load = partial(load_events, tenant_id=self.world.tenant_id, package_id=state.decision_package_id)
        events = await self.world.read(load)
        return [event["change"]["mailed"] for event in events if event["change"].get("mailed")]

    async def resend_all(self) -> int:
        """How many dead mails are sent again."""
        result = await self.world.write(
            lambda connection: callback_admin.resend_dead(connection, self.now(), agent=None, after=None, limit=500)
        )
        return result.resent

    async def resend(self) -> None:
        ((callback_id,),) = await self.rows("SELECT callback_id FROM callbacks WHERE kind = 'mail'")
        await self.world.write(lambda connection: callback_admin.resend_callback(connection, callback_id, self.now()))


@asynccontextmanager
async def open_mail_rounds(world: World, server: MailServer) -> AsyncIterator[MailRounds]:
    client = SmtpClient(parse_smtp_url(server.url), SENDER)
    async with callback_client(LOOPBACK) as http:
        rounds = MailRounds(world, server, client, http)
        await rounds.opener.say()
        try:
            yield rounds
        finally:
            await rounds.courier.drain(0)
            await client.close()
