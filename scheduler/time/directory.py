"""Keeps the directory up to date: Slack's people and the groups that the policy names, within Slack's rate limits.

Slack's events change single people and groups at once. A full reading at an interval corrects what an event may have
missed. It takes several calls, and events that arrive meanwhile make it invalid, so that it cannot restore what they
removed; then it begins again.
"""

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
READINGS = 3  # readings per attempt, if the directory changes while it is read


@dataclass(slots=True)
class Reading:
    """What Slack returned so far. It dates from its start and is valid only if nothing changed since."""

    as_of: datetime  # when it began, in business time
    read_at: datetime  # the same in real time
    version: int  # of the stored directory then
    spoiled: int  # how often the directory had been invalidated then
    wanted: frozenset[str]  # the groups that the policy names
    people: list[Person] = field(default_factory=list)
    following: str | None = ""  # the next page of people; None after the last
    groups: dict[str, frozenset[str]] = field(default_factory=dict)


def _utc_now() -> datetime:
    return datetime.now(UTC)


class DirectoryKeeper:
    """If Slack cannot be read, the old directory stays and ages; past the policy's maximum, nobody can decide."""

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
        self._spoiled = self._mended = 0  # how often it was invalidated, and which of these a reading has repaired
        self.trouble: str | None = None

    def invalidate(self) -> None:
        """An event of Slack could not be stored: the directory is read again, however fresh it is."""
        self._spoiled += 1

    async def tick(self) -> None:
        """Reads the directory if no replica has done so lately, or continues a reading that Slack rate limited."""
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
            log.warning("directory.database_unavailable", error=str(fault))

    async def renew(self) -> None:
        """Everything or nothing: half a directory would let the wrong people decide."""
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
        log.warning("directory.read_failed", error=self.trouble)

    async def _read_all(self) -> bool:
        """False if something changed meanwhile: this reading could bring back a person who was just removed."""
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
        status, roster = await self._store.read(
            lambda connection: (installation.status(connection), installation.roster(connection))
        )
        times, groups = (self._store.clock(), self._now()), roster.policy.groups
        return Reading(*times, status.directory_version, self._spoiled, groups)

    async def _write(self, reading: Reading) -> bool:
        snapshot = (reading.people, reading.groups, reading.as_of, reading.read_at)
        done = await self._store.write(
            lambda connection: directory.refresh_directory(connection, *snapshot, seen=reading.version)
        )
        if done:
            self._mended = reading.spoiled
            log.info("directory.read", people=len(reading.people), groups=len(reading.groups))
        return done
