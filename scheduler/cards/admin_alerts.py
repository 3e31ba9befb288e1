"""Alerts admins and their channel of each trouble with Slack: once when it begins and once when it ends.

A trouble is a row of `store.outbox.troubles`, which any process may open. If an alert reached nobody, it is sent again
after a while. `Reconciler` runs it between cards.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

import structlog

from blocks.home.troubles import app_back, app_gone, channel_failing, channel_working, socket_back, socket_off
from blocks.kit.message import Message
from scheduler.cards.sending import SlackSender
from scheduler.common.messenger import BusyError, SlackError, UnreachableError
from store.engine.workers import UnavailableError
from store.outbox import troubles
from store.store import Store

log = structlog.get_logger()


CHECK_OBSOLETE_EVERY = timedelta(minutes=1)
# Before a retry, if an alert reached nobody: Slack was busy or away for someone, or refused to show it to each of them.
RETRY_IF_AWAY = timedelta(seconds=5)
RETRY_IF_REFUSED = timedelta(minutes=5)


def alert_message(trouble: troubles.TroubleReport) -> Message:
    """What admins read about a trouble that began or ended."""
    match trouble.place:
        case troubles.APP:
            return app_back(trouble.error, trouble.since) if trouble.ended_at else app_gone(trouble.error)
        case troubles.SOCKET:
            return socket_back() if trouble.ended_at else socket_off(trouble.error)
        case place:
            return channel_working(place) if trouble.ended_at else channel_failing(place, trouble.error)


class AdminAlerts:
    def __init__(self, store: Store, sender: SlackSender, now: Callable[[], datetime]) -> None:
        self._store, self._sender, self._now = store, sender, now
        self._not_before: datetime | None = None
        self._checked_at: datetime | None = None

    async def has_untold(self) -> bool:
        """Whether an alert is due. First deletes troubles of channels that the policy no longer uses."""
        installation = self._store.installation
        if self._checked_at is None or self._now() - self._checked_at > CHECK_OBSOLETE_EVERY:
            await self._end_obsolete()
            self._checked_at = self._now()
        if self._not_before and self._now() < self._not_before:
            return False
        now = self._now()
        return await self._store.read(
            lambda connection: troubles.is_any_unreported(connection, installation.tenant_id, now)
        )

    async def _end_obsolete(self) -> None:
        installation = self._store.installation
        if await self._store.read(lambda connection: troubles.current_troubles(connection, installation.tenant_id)):
            named = installation.policy.channel_ids
            await self._store.write(
                lambda connection: troubles.delete_unused_troubles(connection, installation.tenant_id, named)
            )

    async def send(self) -> None:
        """Sends each alert once; retries later if it reached nobody."""
        try:
            await self._send_all()
        except UnavailableError as fault:
            log.warning("admins.database_unavailable", error=str(fault))

    async def _send_all(self) -> None:
        installation, now = self._store.installation, self._now()
        tenant_id, recipients = installation.tenant_id, installation.policy.alert_recipients
        for trouble in await self._store.write(lambda connection: troubles.take_unreported(connection, tenant_id, now)):
            waits = [await self._send(recipient, trouble) for recipient in recipients]
            if waits and all(waits):
                self._not_before = self._now() + min(filter(None, waits))
                retry = partial(troubles.report_again, tenant_id=tenant_id, trouble=trouble)
                await self._store.write(retry)

    async def _send(self, recipient: str, trouble: troubles.TroubleReport) -> timedelta | None:
        """Sends an alert to a person or channel. Returns how long to wait before a retry if Slack does not show it."""
        try:
            await self._sender.post(recipient, alert_message(trouble))
        except SlackError as fault:
            log.warning("admin.not_alerted", whom=recipient, place=trouble.place, error=fault.error)
            return RETRY_IF_AWAY if isinstance(fault, BusyError | UnreachableError) else RETRY_IF_REFUSED
        return None
