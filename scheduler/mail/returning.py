"""Notes whom else to tell of what waits, after people have changed: someone came back, or got a role or an address.

What a package gives reason to tell is noted when it changes (`store.mail.needs`). If nobody could act then, or others
can since, it is looked at again here: once for each change of the directory, of the policy, or of who is away.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple

import structlog
from sqlalchemy import Connection

from rules.authority.mailing import mail_reasons, tellings_of
from rules.people.directory import Roster
from store.engine.workers import UnavailableError
from store.mail import needs
from store.mail.needs import Need
from store.mail.preferences import quiet_people
from store.packages.packages import load_packages
from store.packages.queue import list_gravely_waiting
from store.store import Store

log = structlog.get_logger()

PAGE = 200  # packages in one transaction
LOOK_EVERY = timedelta(minutes=1)  # business time


class _People(NamedTuple):
    """Who can act, as far as it changes: the versions of directory and policy, and who is away."""

    directory: int
    policy: str | None
    away: frozenset[str]


class ReturningPeople:
    def __init__(self, store: Store, now: Callable[[], datetime]) -> None:
        self._store, self._now = store, now
        self._looked_at: datetime | None = None
        self._known: _People | None = None

    async def tick(self) -> None:
        now = self._store.clock()
        if self._looked_at is not None and abs(now - self._looked_at) < LOOK_EVERY:
            return
        try:
            people = await self._store.read(self._people)
            if people != self._known:
                await self._look()
            self._known, self._looked_at = people, now
        except UnavailableError as fault:
            log.warning("mails.database_unavailable", error=str(fault))

    def _people(self, connection: Connection) -> _People:
        installation, now = self._store.installation, self._store.clock()
        status = installation.status(connection)
        roster = installation.roster(connection, status)
        return _People(status.directory_version, status.policy_digest, _away(roster, now))

    async def _look(self) -> None:
        tenant_id = self._store.installation.tenant_id
        packages = await self._store.read(lambda connection: list_gravely_waiting(connection, tenant_id))
        for start in range(0, len(packages), PAGE):
            unsaid = await self._store.read(partial(self._needs, packages=packages[start : start + PAGE]))
            if unsaid:
                await self._store.write(
                    partial(needs.add_mail_needs, tenant_id=tenant_id, needs=unsaid, now=self._now())
                )

    def _needs(self, connection: Connection, packages: Sequence[str]) -> list[Need]:
        """Whom nobody has told of these packages yet, each person once for the gravest reason."""
        installation, now = self._store.installation, self._store.clock()
        roster, quiet = installation.roster(connection), quiet_people(connection, installation.tenant_id)
        told_already = set(needs.people_told_already(connection, installation.tenant_id, packages))
        unsaid = list[Need]()
        for package_id, package in load_packages(connection, installation.tenant_id, packages).items():
            for reason in mail_reasons(package.state):
                for telling in tellings_of(package.state, reason, roster, now, quiet):
                    key = (telling.user_id, package_id, telling.occasion)
                    unsaid += [Need(package_id, telling)] if key not in told_already else []
                    told_already.add(key)
        return unsaid


def _away(roster: Roster, now: datetime) -> frozenset[str]:
    return frozenset(user for user, person in roster.directory.people.items() if person.is_away(now))
