"""Looks after tasks whose people have gone: to their delegates and back, and up the ladder where nobody is left.

Whoever is away, deactivated or out of a group changes the directory, and time ends absences: only then is there
anything to look for.
"""

from __future__ import annotations

import asyncio
from functools import partial

import structlog
from sqlalchemy import Connection

from rules.commands import Relieve
from rules.relief import needed
from rules.state import PackageState
from scheduler import asking
from store.queue import Place, open_tasks
from store.store import Store
from store.workers import UnavailableError

log = structlog.get_logger()

PAGE = 200

Known = tuple[int, frozenset[str]]


class Relief:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._looked_at: Known | None = None

    async def tick(self) -> None:
        try:
            now_known = await self._store.read(self._known)
            if now_known != self._looked_at:
                await self._look()
                self._looked_at = now_known
        except UnavailableError as fault:
            log.warning("relief.database_unavailable", error=str(fault))

    def _known(self, connection: Connection) -> Known:
        """The directory's version, and who is away just now."""
        house, now = self._store.house, self._store.clock()
        standing = house.standing(connection)
        people = house.roster(connection, standing).directory.people.values()
        return standing.directory_version, frozenset(person.user_id for person in people if person.is_away(now))

    async def _look(self) -> None:
        after: Place | None = None
        while True:
            states, after = await self._store.read(partial(self._needing, after=after))
            await asyncio.gather(*(self._relieve(state) for state in states))
            if after is None:
                return

    def _needing(self, connection: Connection, after: Place | None) -> tuple[list[PackageState], Place | None]:
        house, now = self._store.house, self._store.clock()
        roster = house.roster(connection)
        page = open_tasks(connection, house.tenant_id, limit=PAGE, after=after)
        return [state for state in page.items if needed(state, roster, now)], page.following

    async def _relieve(self, state: PackageState) -> None:
        outcome = await self._store.carry_out(asking.of(Relieve, state))
        if outcome.refusal:
            log.info("relief.not_given", package=state.decision_package_id, reason=outcome.refusal.reason.value)
