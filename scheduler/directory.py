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
        as_of = self._store.clock()
        try:
            people = await self._messenger.people()
            groups = {group: await self._messenger.group(group) for group in self._groups()}
        except SlackError as fault:
            self.trouble = fault.error
            log.warning("directory.not_read", error=fault.error)
            return
        await self._store.write(lambda connection: directory.replace(connection, people, groups, as_of))
        self.trouble = None
        log.info("directory.read", people=len(people), groups=len(groups))

    def _groups(self) -> list[str]:
        return sorted({group for role in self._store.house.policy.roles.values() for group in role.groups})
