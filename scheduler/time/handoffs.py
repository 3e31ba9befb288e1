"""Ends handoffs that nobody answered, and delegations that nobody returned, in time."""

from __future__ import annotations

import structlog
from sqlalchemy import Connection

from rules.people.directory import AUTO
from rules.threads.commands import EndHandoff
from store.engine.workers import UnavailableError
from store.installation.installation import fresh_id
from store.store import Store
from store.threads.handoffs import DueHandoff, list_due
from store.threads.thread_store import ThreadStore

log = structlog.get_logger()

AT_ONCE = 100  # handoffs in one run


class HandoffEnds:
    def __init__(self, store: Store) -> None:
        self._store, self._threads = store, ThreadStore(store)

    async def tick(self) -> None:
        """The rules check again that it is due, so a late or double run changes nothing more."""
        try:
            for due in await self._store.read(self._list_due):
                await self._end(due)
        except UnavailableError as fault:
            log.warning("handoffs.database_unavailable", error=str(fault))

    async def _end(self, due: DueHandoff) -> None:
        """A handoff at fault holds up no other."""
        command = EndHandoff(command_id=f"cmd_{fresh_id()}", thread_id=due.thread_id, handoff_id=due.handoff_id)
        try:
            await self._threads.execute(command, AUTO)
        except UnavailableError:
            raise
        except Exception:
            log.exception("handoffs.fault", handoff=due.handoff_id)

    def _list_due(self, connection: Connection) -> list[DueHandoff]:
        return list_due(connection, self._store.installation.tenant_id, self._store.clock(), AT_ONCE)
