"""Records mails that were sent: one event in the chain of each package that they told of, a few packages at a time."""

from __future__ import annotations

from functools import partial

import structlog
from sqlalchemy import Connection

from rules.mail.mailed import Mailed
from rules.state.service_commands import RecordMails
from scheduler.common import clock_commands
from store.engine.workers import UnavailableError
from store.mail import letters
from store.mail.needs import NO_PACKAGE
from store.store import Store

log = structlog.get_logger()

AT_ONCE = 32  # packages in one transaction


class MailRecorder:
    def __init__(self, store: Store) -> None:
        self._store = store

    async def tick(self) -> None:
        try:
            while await self._record_some() == AT_ONCE:
                pass
        except UnavailableError as fault:
            log.warning("mails.database_unavailable", error=str(fault))

    async def _record_some(self) -> int:
        """The number of packages whose mails are now recorded. Recording them again would change nothing."""
        tenant_id = self._store.installation.tenant_id
        mails = await self._store.read(lambda connection: letters.list_unrecorded(connection, tenant_id, AT_ONCE))
        if not mails:
            return 0
        of_service, packages = mails.pop(NO_PACKAGE, []), list(mails)
        if of_service:
            now = self._store.clock()
            await self._store.write(
                partial(letters.record_trouble_mails, tenant_id=tenant_id, mails=of_service, now=now)
            )
        outcomes = await self._store.execute_many(
            [clock_commands.for_package(RecordMails, package, mails=tuple(mails[package])) for package in packages]
        )
        recorded = {
            package: mails[package]
            for package, outcome in zip(packages, outcomes, strict=True)
            if outcome.refusal is None
        }
        await self._store.write(lambda connection: self._mark(connection, recorded))
        return len(recorded)

    def _mark(self, connection: Connection, recorded: dict[str, list[Mailed]]) -> None:
        for package, mails in recorded.items():
            letters.mark_recorded(connection, self._store.installation.tenant_id, package, mails)
