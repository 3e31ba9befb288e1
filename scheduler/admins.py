"""Tells the admins where Slack refuses for good to show anything."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

import structlog

from blocks.troubles import undelivered
from scheduler.messenger import BusyError, SlackError, UnreachableError
from scheduler.sending import Sending
from store import troubles
from store.cards import channels_of
from store.store import Store
from store.workers import UnavailableError

log = structlog.get_logger()


LOOKS_THROUGH_EVERY = timedelta(minutes=1)
PATIENCE = timedelta(seconds=5)  # before those whom nobody could be told of are told again


class Admins:
    def __init__(self, store: Store, sending: Sending, now: Callable[[], datetime]) -> None:
        self._store, self._sending, self._now = store, sending, now
        self._not_before: datetime | None = None
        self._looked: datetime | None = None

    async def are_to_be_told(self) -> bool:
        """And what is no trouble any more, because the policy has moved on, is forgotten first."""
        house = self._store.house
        if self._looked is None or self._now() - self._looked > LOOKS_THROUGH_EVERY:
            await self._look_through()
            self._looked = self._now()
        if self._not_before and self._now() < self._not_before:
            return False
        return await self._store.read(lambda connection: troubles.is_any_untold(connection, house.tenant_id))

    async def _look_through(self) -> None:
        house = self._store.house
        if await self._store.read(lambda connection: troubles.known(connection, house.tenant_id)):
            named = channels_of(house.policy)
            await self._store.write(lambda connection: troubles.end_those_of_nobody(connection, house.tenant_id, named))

    async def tell(self) -> None:
        """Each trouble once; again later, where just now nobody could be told."""
        try:
            await self._tell()
        except UnavailableError as fault:
            log.warning("admins.not_told", error=str(fault))

    async def _tell(self) -> None:
        tenant_id = self._store.house.tenant_id
        for its in await self._store.write(lambda connection: troubles.to_be_told(connection, tenant_id)):
            told = [await self._told_to(admin, its) for admin in self._store.house.policy.admins]
            if told and not any(told):
                self._not_before = self._now() + PATIENCE
                again = partial(troubles.tell_again, tenant_id=tenant_id, place=its.place)
                await self._store.write(again)

    async def _told_to(self, admin: str, its: troubles.Known) -> bool:
        """Or refused for good: they find it in /reviews, in /readyz and with the doctor."""
        try:
            await self._sending.post(admin, undelivered(its.place, its.error))
        except SlackError as fault:
            log.warning("admin.not_told", admin=admin, place=its.place, error=fault.error)
            return not isinstance(fault, BusyError | UnreachableError)
        return True
