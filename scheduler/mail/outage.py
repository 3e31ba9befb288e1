"""Notes whom to tell when Slack is away, or refuses the app.

Slack is away while no process of the service reaches it with its heartbeats (`store.installation.presence`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial

import structlog
from sqlalchemy import Connection

from rules.authority.mailing import Telling, has_address, tellings_of
from rules.mail.reasons import MailReason
from rules.state.model import PackageState, Status
from store.engine.workers import UnavailableError
from store.installation import presence
from store.mail import needs
from store.mail.needs import NO_PACKAGE, Need
from store.outbox import troubles
from store.packages.paging import Cursor
from store.packages.queue import list_open_tasks
from store.store import Store

log = structlog.get_logger()

PAGE = 200
UNTIL_ALL_IS_WRITTEN = timedelta(minutes=1)  # so that one mail tells all that waits
LOOK_AGAIN = timedelta(minutes=1)  # at packages that have not changed: people may have become able, and needs dropped
CALM = timedelta(minutes=1)  # before admins are told that Slack refuses the app: it may be a mistake of Slack's


class SlackOutage:
    def __init__(self, store: Store, now: Callable[[], datetime]) -> None:
        self._store, self._now = store, now
        self._noted: dict[str, int] = {}  # packages of this outage, and their revision when they were looked at
        self._forget_at = now()
        self._refused_since: datetime | None = None

    async def tick(self) -> None:
        try:
            await self._note_refusal()
            if await self._store.read(self._is_away):
                await self._note_waiting()
            else:
                self._noted = {}
        except UnavailableError as fault:
            log.warning("outage.database_unavailable", error=str(fault))

    def _is_away(self, connection: Connection) -> bool:
        """Whether Slack has been away for as long as the policy says. Business time, like every deadline."""
        installation, now = self._store.installation, self._store.clock()
        since = presence.slack_away_since(connection, installation.tenant_id, now)
        return since is not None and now - since >= installation.roster(connection).policy.email.after

    async def _note_waiting(self) -> None:
        if self._now() >= self._forget_at:
            self._noted, self._forget_at = {}, self._now() + LOOK_AGAIN
        after: Cursor | None = None
        written = False
        while True:
            states, waiting, after = await self._store.read(partial(self._page, after=after))
            if waiting:
                await self._add(waiting, UNTIL_ALL_IS_WRITTEN)
            written = written or bool(waiting)
            self._noted |= {state.decision_package_id: state.revision for state in states}
            if after is None:
                break
        if written:
            tenant_id, now = self._store.installation.tenant_id, self._now()
            await self._store.write(lambda connection: needs.release_waiting(connection, tenant_id, now))

    def _page(
        self, connection: Connection, after: Cursor | None
    ) -> tuple[list[PackageState], list[Need], Cursor | None]:
        """Packages that are new or have changed in this outage, and who has to be told of them."""
        installation = self._store.installation
        page = list_open_tasks(connection, installation.tenant_id, limit=PAGE, after=after)
        states = [state for state in page.items if state.status is Status.PENDING and self._is_news(state)]
        return states, self._needs(connection, states), page.following

    def _is_news(self, state: PackageState) -> bool:
        return self._noted.get(state.decision_package_id) != state.revision

    def _needs(self, connection: Connection, states: Sequence[PackageState]) -> list[Need]:
        if not states:
            return []
        installation, now = self._store.installation, self._store.clock()
        roster = installation.roster(connection)
        packages = [state.decision_package_id for state in states]
        known = needs.people_told_already(connection, installation.tenant_id, packages)
        return [
            Need(state.decision_package_id, telling)
            for state in states
            for telling in tellings_of(state, MailReason.WAITING, roster, now)
            if (telling.user_id, state.decision_package_id, telling.occasion) not in known
        ]

    async def _note_refusal(self) -> None:
        since = await self._store.read(self._refusal_since)
        if since and since != self._refused_since:
            roster = await self._store.read(self._store.installation.roster)
            minute = int(since.timestamp()) // 60
            tellings = (Telling(user, MailReason.UNINSTALLED, minute) for user in roster.policy.admins)
            await self._add([Need(NO_PACKAGE, one) for one in tellings if has_address(roster, one.user_id)], CALM)
        self._refused_since = since

    def _refusal_since(self, connection: Connection) -> datetime | None:
        current = troubles.current_troubles(connection, self._store.installation.tenant_id)
        return next((trouble.since for trouble in current if trouble.place == troubles.APP), None)

    async def _add(self, new: list[Need], wait: timedelta) -> None:
        tenant_id, now = self._store.installation.tenant_id, self._now()
        await self._store.write(lambda connection: needs.add_mail_needs(connection, tenant_id, new, now, wait))
