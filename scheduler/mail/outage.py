"""Notes whom to tell when Slack is away, or refuses the app.

The heartbeats of all processes say together since when Slack is away (`store.installation.presence`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple

import structlog
from sqlalchemy import Connection

from rules.authority.mailing import Telling, has_address, mail_reasons, tellings_of
from rules.mail.reasons import MailReason
from rules.state.model import PackageState, Status
from store.engine.workers import UnavailableError
from store.installation import presence
from store.mail import needs
from store.mail.needs import NO_PACKAGE, Need
from store.mail.preferences import quiet_people
from store.outbox import troubles
from store.packages.packages import load_packages
from store.packages.queue import pending_revisions
from store.store import Store

log = structlog.get_logger()

PAGE = 200  # packages in one transaction
LOOK_EVERY = timedelta(minutes=1)  # business time; what changes meanwhile is told a minute later
LOOK_AT_ALL_EVERY = timedelta(minutes=10)  # also at what has not changed: people return, and dropped needs come back
UNTIL_ALL_IS_WRITTEN = timedelta(minutes=1)  # before a mail is opened, so that one mail tells all that waits
CALM = timedelta(minutes=1)  # before admins are told that Slack refuses the app: it may be a mistake of Slack's


class _Look(NamedTuple):
    """What waits, by revision, and who decides: the version of the directory and the policy."""

    pending: dict[str, int]
    people: tuple[int, str | None]


@dataclass(slots=True)
class _Outage:
    """What is known of this outage. `noted`: the packages that were looked at, and their revision then."""

    looked_at: datetime
    all_looked_at: datetime
    people: tuple[int, str | None] | None = None
    noted: dict[str, int] = field(default_factory=dict)


def _gravest_reason(state: PackageState) -> MailReason:
    """A person is told of a package once, and `WAITING` is dropped when Slack is back: a takeover would go untold."""
    return next(iter(mail_reasons(state)), MailReason.WAITING)


class SlackOutage:
    def __init__(self, store: Store, now: Callable[[], datetime]) -> None:
        self._store, self._now = store, now
        self._outage: _Outage | None = None
        self._refused_since: datetime | None = None

    async def tick(self) -> None:
        try:
            await self._note_refusal()
            if not await self._store.read(self._is_away):
                self._outage = None
            elif self._is_time(self._store.clock()):
                await self._look()
        except UnavailableError as fault:
            log.warning("outage.database_unavailable", error=str(fault))

    def _is_away(self, connection: Connection) -> bool:
        """Business time, like every deadline."""
        installation, now = self._store.installation, self._store.clock()
        after = installation.roster(connection).policy.email.after
        return presence.is_slack_away(connection, installation.tenant_id, now, after)

    def _is_time(self, now: datetime) -> bool:
        return self._outage is None or abs(now - self._outage.looked_at) >= LOOK_EVERY

    async def _look(self) -> None:
        """Reads only packages that are new or have changed since the last look, unless people have changed."""
        now, look = self._store.clock(), await self._store.read(self._what_waits)
        outage = self._outage or _Outage(now, now)
        if look.people != outage.people or abs(now - outage.all_looked_at) >= LOOK_AT_ALL_EVERY:
            outage = _Outage(now, now, look.people)
        news = [package for package, revision in look.pending.items() if outage.noted.get(package) != revision]
        await self._note_waiting(news)
        self._outage = replace(outage, looked_at=now, noted=look.pending)

    def _what_waits(self, connection: Connection) -> _Look:
        installation = self._store.installation
        status = installation.status(connection)
        pending = pending_revisions(connection, installation.tenant_id)
        return _Look(pending, (status.directory_version, status.policy_digest))

    async def _note_waiting(self, packages: Sequence[str]) -> None:
        begun = self._now()
        parts = [packages[start : start + PAGE] for start in range(0, len(packages), PAGE)]
        written = [await self._note_some(part) for part in parts]
        if any(written):
            tenant_id, now = self._store.installation.tenant_id, self._now()
            await self._store.write(lambda connection: needs.release_waiting(connection, tenant_id, begun, now))

    async def _note_some(self, packages: Sequence[str]) -> bool:
        waiting = await self._store.read(partial(self._needs, packages=packages))
        if waiting:
            await self._add(waiting, UNTIL_ALL_IS_WRITTEN)
        return bool(waiting)

    def _needs(self, connection: Connection, packages: Sequence[str]) -> list[Need]:
        """Who must be told of these packages. Those that no longer wait are left out."""
        installation, now = self._store.installation, self._store.clock()
        roster = installation.roster(connection)
        quiet = quiet_people(connection, installation.tenant_id)
        told_already = needs.people_told_already(connection, installation.tenant_id, packages)
        loaded = load_packages(connection, installation.tenant_id, packages)
        return [
            Need(package_id, telling)
            for package_id in packages
            if package_id in loaded and (state := loaded[package_id].state).status is Status.PENDING
            for telling in tellings_of(state, _gravest_reason(state), roster, now, quiet)
            if (telling.user_id, package_id, telling.occasion) not in told_already
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
