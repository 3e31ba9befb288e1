"""Looks after tasks whose people have gone: to their delegates and back, and up the ladder where nobody is left.

Whoever is away, deactivated or out of a group changes the directory, and time ends absences: only then is there
anything to look for. For whom all was last looked through is kept, so that neither a restart nor another replica does
it again.
"""

from __future__ import annotations

from functools import partial
from hashlib import sha256

import structlog
from sqlalchemy import Connection

from rules.commands import Relieve
from rules.relief import needed
from rules.state import PackageState
from scheduler import asking
from store.queue import Place, open_tasks
from store.relief import has_looked, looked_through_for
from store.store import Store
from store.workers import UnavailableError

log = structlog.get_logger()

PAGE = 200

Known = tuple[int, bool, frozenset[str]]


class Relief:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._looked_at: Known | None = None

    async def tick(self) -> None:
        try:
            now_known = await self._store.read(self._known)
            if now_known != self._looked_at:
                await self._look_for(await self._store.read(self._mark))
                self._looked_at = now_known
        except UnavailableError as fault:
            log.warning("relief.database_unavailable", error=str(fault))

    def _known(self, connection: Connection) -> Known:
        """The directory's version, whether it is fresh, and who is away just now."""
        house, now = self._store.house, self._store.clock()
        standing = house.standing(connection)
        directory = house.roster(connection, standing).directory
        away = frozenset(person.user_id for person in directory.people.values() if person.is_away(now))
        return standing.directory_version, directory.is_fresh(house.policy, now), away

    def _mark(self, connection: Connection) -> str:
        """All that says who could decide anything just now, in short: the same people read anew give the same."""
        house, now = self._store.house, self._store.clock()
        directory = house.roster(connection).directory
        people = sorted(
            (
                who.user_id,
                who.email,
                who.active,
                who.is_bot,
                who.is_guest,
                who.is_stranger,
                who.is_away(now),
                who.delegate,
            )
            for who in directory.people.values()
        )
        groups = sorted((group, sorted(members)) for group, members in directory.groups.items())
        said = (house.policy.full_version, directory.is_fresh(house.policy, now), people, groups)
        return sha256(repr(said).encode()).hexdigest()

    async def _look_for(self, mark: str) -> None:
        if await self._store.read(looked_through_for) != mark:
            await self._look()
            await self._store.write(partial(has_looked, mark=mark))

    async def _look(self) -> None:
        after: Place | None = None
        while True:
            states, after = await self._store.read(partial(self._needing, after=after))
            await self._relieve(states)
            if after is None:
                return

    def _needing(self, connection: Connection, after: Place | None) -> tuple[list[PackageState], Place | None]:
        house, now = self._store.house, self._store.clock()
        roster = house.roster(connection)
        page = open_tasks(connection, house.tenant_id, limit=PAGE, after=after)
        return [state for state in page.items if needed(state, roster, now)], page.following

    async def _relieve(self, states: list[PackageState]) -> None:
        outcomes = await self._store.carry_out_each([asking.of(Relieve, state) for state in states])
        for state, outcome in zip(states, outcomes, strict=True):
            if outcome.refusal:
                log.info("relief.not_given", package=state.decision_package_id, reason=outcome.refusal.reason.value)
