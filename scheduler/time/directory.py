"""Keeps the directory: Slack's people, and the members of the groups that the policy names, within Slack's rates."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import structlog

from rules.people.directory import Person
from scheduler.common.messenger import BusyError, Messenger, SlackError
from store.engine.workers import UnavailableError
from store.installation import directory
from store.store import Store

log = structlog.get_logger()

RENEW_AFTER = timedelta(minutes=30)
READINGS = 3  # of one attempt, where it changes while it is read


@dataclass(slots=True)
class Reading:
    """What Slack has told so far. It dates from its beginning, and holds only if nothing changed since."""

    as_of: datetime
    read_at: datetime
    version: int
    spoiled: int
    wanted: frozenset[str]
    people: list[Person] = field(default_factory=list)
    following: str | None = ""  # where the next page of people begins; None after the last
    groups: dict[str, frozenset[str]] = field(default_factory=dict)


def _utc_now() -> datetime:
    return datetime.now(UTC)


class DirectoryKeeper:
    """What Slack could not tell stays as it was, and grows old: past the policy's age nobody can decide."""

    def __init__(
        self,
        store: Store,
        messenger: Messenger,
        monotonic: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = _utc_now,
    ) -> None:
        self._store, self._messenger, self._monotonic, self._now = store, messenger, monotonic, now
        self._reading: Reading | None = None
        self._not_before, self._lock = 0.0, asyncio.Lock()
        self._spoiled = self._mended = 0  # how often it was, and how much of that a reading has made good
        self.trouble: str | None = None

    def invalidate(self) -> None:
        """Something that Slack told could not be kept: what is known is read anew, however young it is."""
        self._spoiled += 1

    async def tick(self) -> None:
        """Reads it anew where no replica has done so lately, or goes on where Slack asked for patience."""
        async with self._lock:
            if self._monotonic() >= self._not_before:
                await self._check()

    async def _check(self) -> None:
        try:
            roster, now = await self._store.read(self._store.installation.roster), self._store.clock()
            as_of, often = roster.directory.as_of, min(RENEW_AFTER, roster.policy.directory.max_age / 4)
            old = as_of is None or now - as_of >= often
            if old or self._spoiled > self._mended or self._reading:
                await self.renew()
        except UnavailableError as fault:
            log.warning("directory.not_kept", error=str(fault))

    async def renew(self) -> None:
        """All of it or nothing: half a directory would let the wrong people decide."""
        try:
            for _ in range(READINGS):
                if await self._read_all():
                    self.trouble = None
                    return
            self.trouble = "it changed while it was read"
        except BusyError as busy:
            self.trouble, self._not_before = busy.error, self._monotonic() + busy.after
        except SlackError as fault:
            self.trouble, self._reading = fault.error, None
        log.warning("directory.not_read", error=self.trouble)

    async def _read_all(self) -> bool:
        """Not where Slack told of a change meanwhile: who was removed must not come back with what was read before."""
        reading = self._reading = self._reading or await self._begin_reading()
        while reading.following is not None:
            page, reading.following = await self._messenger.people(reading.following)
            reading.people += page
        for group in sorted(reading.wanted):
            if group not in reading.groups:
                reading.groups[group] = await self._messenger.group(group)
        self._reading = None
        return await self._write(reading)

    async def _begin_reading(self) -> Reading:
        installation = self._store.installation
        standing, roster = await self._store.read(
            lambda connection: (installation.status(connection), installation.roster(connection))
        )
        times, groups = (self._store.clock(), self._now()), roster.policy.groups
        return Reading(*times, standing.directory_version, self._spoiled, groups)

    async def _write(self, reading: Reading) -> bool:
        whole = (reading.people, reading.groups, reading.as_of, reading.read_at)
        done = await self._store.write(
            lambda connection: directory.refresh_directory(connection, *whole, seen=reading.version)
        )
        if done:
            self._mended = reading.spoiled
            log.info("directory.read", people=len(reading.people), groups=len(reading.groups))
        return done
