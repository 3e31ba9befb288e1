"""Opens mails for people who must be told of something: takeovers at once, all else so many an hour.

It also says in the database that mails are sent, so that every process notes whom to tell.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import structlog

from store.engine.workers import UnavailableError
from store.installation.installation import fresh_id
from store.mail import lanes
from store.mail.sending import SAID_EVERY, say_mails_are_sent
from store.store import Store

log = structlog.get_logger()


class MailOpener:
    """The functions in `on_opened` are called when there is something to send."""

    def __init__(self, store: Store, now: Callable[[], datetime]) -> None:
        self._store, self._now = store, now
        self.on_opened: list[Callable[[], None]] = []
        self._said_at: datetime | None = None

    async def say(self) -> None:
        """Once a day, that mails are sent."""
        now = self._store.clock()
        if self._said_at is None or abs(now - self._said_at) >= SAID_EVERY:
            await self._store.write(lambda connection: say_mails_are_sent(connection, now))
            self._said_at = now

    async def tick(self) -> None:
        """Open the mails that may be sent now, within the limit per hour."""
        installation = self._store.installation
        per_hour = installation.policy.email.per_hour
        limits = (installation.tenant_id, self._now(), per_hour)
        try:
            await self.say()
            if await self._store.read(lambda connection: lanes.has_mails_to_open(connection, *limits)):
                await self._store.write(lambda connection: lanes.open_mails(connection, *limits, fresh_id))
                for callback in self.on_opened:
                    callback()
        except UnavailableError as fault:
            log.warning("mails.database_unavailable", error=str(fault))
