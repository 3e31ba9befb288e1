"""Keeps the directory: Slack's people, and the members of the groups that the policy names, within Slack's rates."""

from __future__ import annotations

from datetime import timedelta

import structlog

from scheduler.messenger import Messenger, SlackError
from store import directory
from store.store import Store
from store.workers import UnavailableError

log = structlog.get_logger()

RENEWED_AFTER = timedelta(minutes=30)
READINGS = 3  # of one attempt, where it changes while it is read


class DirectoryKeeper:
    """What Slack could not tell stays as it was, and grows old: past the policy's age nobody can decide."""

    def __init__(self, store: Store, messenger: Messenger) -> None:
        self._store, self._messenger = store, messenger
        self.trouble: str | None = None

    async def tick(self) -> None:
        """Reads it anew where no replica has done so lately."""
        try:
            standing = await self._store.read(self._store.house.standing)
            as_of, now = standing.directory_as_of, self._store.clock()
            if as_of is None or now - as_of >= min(RENEWED_AFTER, self._store.house.policy.directory.max_age / 4):
                await self.renew()
        except UnavailableError as fault:
            log.warning("directory.not_kept", error=str(fault))

    async def renew(self) -> None:
        """All of it or nothing: half a directory would let the wrong people decide."""
        try:
            for _ in range(READINGS):
                if await self._read():
                    self.trouble = None
                    return
            self.trouble = "it changed while it was read"
        except SlackError as fault:
            self.trouble = fault.error
        log.warning("directory.not_read", error=self.trouble)

    async def _read(self) -> bool:
        """Not where Slack told of a change meanwhile: who was removed must not come back with what was read before."""
        as_of, standing = self._store.clock(), await self._store.read(self._store.house.standing)
        people = await self._messenger.people()
        groups = {group: await self._messenger.group(group) for group in self._groups()}
        seen = standing.directory_version
        done = await self._store.write(lambda connection: directory.renew(connection, people, groups, as_of, seen))
        if done:
            log.info("directory.read", people=len(people), groups=len(groups))
        return done

    def _groups(self) -> list[str]:
        return sorted({group for role in self._store.house.policy.roles.values() for group in role.groups})
