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

WITHIN = 5.0  # seconds for all addresses of one package
AT_MOST, PER = 20, 60.0  # of the 50 per minute that Slack allows, since other replicas ask too


class Lookups:
    """Looks up one address at a time, so that an address in two packages is looked up once."""

    def __init__(self, store: Store, client: SlackClient, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._store, self._client, self._monotonic = store, client, monotonic
        self._alone, self._asked = asyncio.Lock(), deque[float]()

    def are_needed(self, package: DecisionPackage) -> bool:
        """Whether the directory, as this process last read it, lacks one of the addresses."""
        return any("@" in address for address in unresolved_parties(package, self._store.installation.last_roster))

    async def learn(self, package: DecisionPackage) -> None:
        """Look up every unknown address of the package. Raises `SlackError` if Slack cannot answer."""
        async with asyncio.timeout(WITHIN), self._alone:
            for address in await self._store.read(lambda connection: self._to_ask(connection, package)):
                await self._look_up(address)

    def _to_ask(self, connection: Connection, package: DecisionPackage) -> list[str]:
        installation = self._store.installation
        addresses = [
            address for address in unresolved_parties(package, installation.roster(connection)) if "@" in address
        ]
        return parties.unresolved_addresses(connection, installation.tenant_id, addresses, self._store.clock())

    async def _look_up(self, address: str) -> None:
        self._spend_one()
        person = await self._client.by_email(address)
        user_id, now = person.user_id if person else None, self._store.clock()
        await self._store.write(lambda connection: parties.save_address_owner(connection, address, user_id, now))

    def _spend_one(self) -> None:
        now = self._monotonic()
        while self._asked and self._asked[0] <= now - PER:
            self._asked.popleft()
        if len(self._asked) >= AT_MOST:
            raise BusyError("too many unknown addresses", self._asked[0] + PER - now)
        self._asked.append(now)
