"""Records mails that were sent: one event in the chain of each package that they told of, a few packages at a time."""

from __future__ import annotations

from functools import partial

import structlog

from rules.state.service_commands import RecordMails
from scheduler.common import clock_commands
from store.engine.workers import UnavailableError
from store.mail import records
from store.mail.needs import NO_PACKAGE
from store.store import Store

log = structlog.get_logger()

AT_ONCE = 32  # packages in one transaction


class MailRecorder:
    def __init__(self, store: Store) -> None:
        self._store = store

    async def tick(self) -> None:
        """A package that cannot be changed is passed over, so it holds up no other."""
        after: str | None = None
        try:
            while packages := await self._unrecorded(after):
                await self._record([package for package in packages if package != NO_PACKAGE])
                if NO_PACKAGE in packages:
                    await self._record_troubles()
                after = packages[-1]
        except UnavailableError as fault:
            log.warning("mails.database_unavailable", error=str(fault))

    async def _unrecorded(self, after: str | None) -> list[str]:
        tenant_id = self._store.installation.tenant_id
        return await self._store.read(partial(records.list_unrecorded, tenant_id=tenant_id, limit=AT_ONCE, after=after))

    async def _record(self, packages: list[str]) -> None:
        await self._store.execute_many([clock_commands.for_package(RecordMails, package) for package in packages])

    async def _record_troubles(self) -> None:
        tenant_id, now = self._store.installation.tenant_id, self._store.clock()
        await self._store.write(partial(records.record_trouble_mails, tenant_id=tenant_id, now=now))
