"""Moves tasks of people who are gone: to their delegate and back, or up the ladder if nobody is left.

A blind second look for which such a person was asked ends.

People go by a change of the directory (away, deactivated, removed from a group), and absences end by time. Only then is
there anything to do. The store keeps a fingerprint of the people at the last complete check, so that a restart or
another replica does not repeat it. The same check asks people who newly belong to a role that is asked in person.
"""

from __future__ import annotations

from functools import partial
from hashlib import sha256

import structlog
from sqlalchemy import Connection

from rules.authority.looks import judge_is_gone
from rules.reasons import Reason
from rules.state.model import PackageState
from rules.state.service_commands import ClockCommand, EndLook, Relieve
from rules.verbs.absences import needs_relief
from scheduler.common import clock_commands
from store.engine.workers import UnavailableError
from store.installation.absence_checks import last_absence_check, record_absence_check
from store.outbox import cards
from store.oversight.looks import list_open_looks
from store.packages.paging import Cursor
from store.packages.queue import list_open_tasks
from store.store import Store

log = structlog.get_logger()

PAGE = 200  # tasks

Known = tuple[int, str, bool, frozenset[str]]  # what `_read_known` reads


class AbsenceHandler:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._last_known: Known | None = None
        self._too_busy: list[ClockCommand] = []  # refused as too busy when it was their turn
        self._fingerprint_to_keep: str | None = None

    async def tick(self) -> None:
        """Reassigns tasks if the people or their absences have changed since the last time."""
        try:
            now_known = await self._store.read(self._read_known)
            if now_known != self._last_known:
                await self._check(await self._store.read(self._fingerprint))
                self._last_known = now_known
            elif self._too_busy:
                self._too_busy = await self._send(self._too_busy)
            await self._keep_fingerprint()
        except UnavailableError as fault:
            log.warning("absences.database_unavailable", error=str(fault))

    def _read_known(self, connection: Connection) -> Known:
        """The directory's version, the policy, whether the directory is fresh, and who is away now."""
        installation, now = self._store.installation, self._store.clock()
        status = installation.status(connection)
        roster = installation.roster(connection, status)
        directory, policy = roster.directory, roster.policy
        away = frozenset(person.user_id for person in directory.people.values() if person.is_away(now))
        return status.directory_version, policy.digest, directory.is_fresh(policy, now), away

    def _fingerprint(self, connection: Connection) -> str:
        """A digest of everything that determines who may decide. The same people always give the same digest."""
        roster, now = self._store.installation.roster(connection), self._store.clock()
        directory, policy = roster.directory, roster.policy
        people = sorted(
            (
                person.user_id,
                person.email,
                person.active,
                person.is_bot,
                person.is_guest,
                person.is_stranger,
                person.is_away(now),
                person.delegate,
            )
            for person in directory.people.values()
        )
        groups = sorted((group, sorted(members)) for group, members in directory.groups.items())
        facts = (policy.full_version, directory.is_fresh(policy, now), people, groups)
        return sha256(repr(facts).encode()).hexdigest()

    async def _check(self, fingerprint: str) -> None:
        if await self._store.read(last_absence_check) != fingerprint:
            await self._store.write(partial(cards.recheck_people, tenant_id=self._store.installation.tenant_id))
            self._too_busy, self._fingerprint_to_keep = await self._check_all(), fingerprint

    async def _check_all(self) -> list[ClockCommand]:
        """Returns the commands for packages that were too busy."""
        after: Cursor | None = None
        looks = await self._store.read(self._looks_to_end)
        remaining = await self._send([clock_commands.for_state(EndLook, state) for state in looks])
        while True:
            states, after = await self._store.read(partial(self._tasks_to_relieve, after=after))
            remaining += await self._send([clock_commands.for_state(Relieve, state) for state in states])
            if after is None:
                return remaining

    async def _keep_fingerprint(self) -> None:
        """Kept only when no task is left: if the process ends before, the check is repeated."""
        if self._fingerprint_to_keep and not self._too_busy:
            await self._store.write(partial(record_absence_check, fingerprint=self._fingerprint_to_keep))
            self._fingerprint_to_keep = None

    def _tasks_to_relieve(
        self, connection: Connection, after: Cursor | None
    ) -> tuple[list[PackageState], Cursor | None]:
        installation, now = self._store.installation, self._store.clock()
        roster = installation.roster(connection)
        page = list_open_tasks(connection, installation.tenant_id, limit=PAGE, after=after)
        return [state for state in page.items if needs_relief(state, roster, now)], page.following

    def _looks_to_end(self, connection: Connection) -> list[PackageState]:
        installation, now = self._store.installation, self._store.clock()
        roster = installation.roster(connection)
        looks = list_open_looks(connection, installation.tenant_id)
        return [state for state in looks if judge_is_gone(state, roster, now)]

    async def _send(self, commands: list[ClockCommand]) -> list[ClockCommand]:
        """Sends the commands; returns those for packages that were too busy."""
        outcomes = await self._store.execute_many(commands)
        refused = [
            (command, outcome.refusal.reason)
            for command, outcome in zip(commands, outcomes, strict=True)
            if outcome.refusal
        ]
        for command, reason in refused:
            log.info("absences.command_refused", package=command.decision_package_id, reason=reason.value)
        return [command for command, reason in refused if reason is Reason.TOO_BUSY]
