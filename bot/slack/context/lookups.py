"""Looks up who owns an e-mail address in Slack, before a package that names the address is accepted."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable

from sqlalchemy import Connection

from bot.slack.outgoing.client import SlackClient
from rules.authority.parties import unresolved_parties
from rules.package.model import DecisionPackage
from scheduler.common.messenger import BusyError
from store.agents import parties
from store.store import Store

LEARNS_WITHIN = 5.0  # seconds for all addresses of one package
MAX_LOOKUPS, PERIOD = 20, 60.0  # in so many seconds; Slack allows 50 a minute, and other replicas ask too


class Lookups:
    """Looks up one address at a time, so that an address in two packages is looked up once."""

    def __init__(self, store: Store, client: SlackClient, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._store, self._client, self._monotonic = store, client, monotonic
        self._one_by_one, self._asked_at = asyncio.Lock(), deque[float]()

    def are_needed(self, package: DecisionPackage) -> bool:
        """Whether the directory, as this process last read it, lacks one of the addresses."""
        return any("@" in address for address in unresolved_parties(package, self._store.installation.last_roster))

    async def learn(self, package: DecisionPackage) -> None:
        """Look up the package's unknown addresses. Raises `SlackError` or `TimeoutError` if Slack cannot answer."""
        async with asyncio.timeout(LEARNS_WITHIN), self._one_by_one:
            for address in await self._store.read(lambda connection: self._unknown_addresses(connection, package)):
                await self._look_up(address)

    def _unknown_addresses(self, connection: Connection, package: DecisionPackage) -> list[str]:
        installation = self._store.installation
        addresses = [
            address for address in unresolved_parties(package, installation.roster(connection)) if "@" in address
        ]
        return parties.unresolved_addresses(connection, installation.tenant_id, addresses, self._store.clock())

    async def _look_up(self, address: str) -> None:
        self._count_lookup()
        person = await self._client.by_email(address)
        user_id, now = person.user_id if person else None, self._store.clock()
        await self._store.write(lambda connection: parties.save_address_owner(connection, address, user_id, now))

    def _count_lookup(self) -> None:
        now = self._monotonic()
        while self._asked_at and self._asked_at[0] <= now - PERIOD:
            self._asked_at.popleft()
        if len(self._asked_at) >= MAX_LOOKUPS:
            raise BusyError("too many unknown addresses", self._asked_at[0] + PERIOD - now)
        self._asked_at.append(now)
