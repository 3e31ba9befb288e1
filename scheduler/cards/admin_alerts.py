"""Tells the admins, and their channel, of each trouble with Slack: once when it begins, and when it is over."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

import structlog

from blocks.home.troubles import app_back, app_gone, channel_failing, channel_working, socket_back, socket_off
from blocks.kit.message import Message
from scheduler.cards.sending import Sending
from scheduler.common.messenger import BusyError, SlackError, UnreachableError
from store.engine.workers import UnavailableError
from store.outbox import troubles
from store.outbox.cards import channels_of
from store.store import Store

log = structlog.get_logger()


LOOKS_THROUGH_EVERY = timedelta(minutes=1)
PATIENCE = timedelta(seconds=5)  # before what nobody could be told of is told again
REFUSED = timedelta(minutes=5)  # the same, if Slack refuses to show it to any of them


def message_of(its: troubles.TroubleReport) -> Message:
    match its.place:
        case troubles.APP:
            return app_back(its.error, its.since) if its.ended_at else app_gone(its.error)
        case troubles.SOCKET:
            return socket_back() if its.ended_at else socket_off(its.error)
        case place:
            return channel_working(place) if its.ended_at else channel_failing(place, its.error)


class Admins:
    def __init__(self, store: Store, sending: Sending, now: Callable[[], datetime]) -> None:
        self._store, self._sending, self._now = store, sending, now
        self._not_before: datetime | None = None
        self._looked: datetime | None = None

    async def are_to_be_told(self) -> bool:
        """And what is no trouble any more, because the policy has moved on, is forgotten first."""
        installation = self._store.installation
        if self._looked is None or self._now() - self._looked > LOOKS_THROUGH_EVERY:
            await self._look_through()
            self._looked = self._now()
        if self._not_before and self._now() < self._not_before:
            return False
        now = self._now()
        return await self._store.read(
            lambda connection: troubles.is_any_unreported(connection, installation.tenant_id, now)
        )

    async def _look_through(self) -> None:
        installation = self._store.installation
        if await self._store.read(lambda connection: troubles.current_troubles(connection, installation.tenant_id)):
            named = channels_of(installation.policy)
            await self._store.write(
                lambda connection: troubles.delete_unused_troubles(connection, installation.tenant_id, named)
            )

    async def tell(self) -> None:
        """Each trouble once; again later, where just now nobody could be told."""
        try:
            await self._tell()
        except UnavailableError as fault:
            log.warning("admins.not_told", error=str(fault))

    async def _tell(self) -> None:
        installation, now = self._store.installation, self._now()
        tenant_id, told_to = installation.tenant_id, installation.policy.alert_recipients
        for its in await self._store.write(lambda connection: troubles.take_unreported(connection, tenant_id, now)):
            waits = [await self._tells(whom, its) for whom in told_to]
            if waits and all(waits):
                self._not_before = self._now() + min(filter(None, waits))
                again = partial(troubles.report_again, tenant_id=tenant_id, trouble=its)
                await self._store.write(again)

    async def _tells(self, whom: str, its: troubles.TroubleReport) -> timedelta | None:
        """A person or a channel. If Slack does not show it there: how long to wait before the next try."""
        try:
            await self._sending.post(whom, message_of(its))
        except SlackError as fault:
            log.warning("admin.not_told", whom=whom, place=its.place, error=fault.error)
            return PATIENCE if isinstance(fault, BusyError | UnreachableError) else REFUSED
        return None
