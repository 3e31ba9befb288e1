"""Limits of what is sent at once: in total, per kind, agent and address, so that nobody holds up the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from store.outbox.callbacks import PostKind
from store.outbox.deliveries import DueCallback

IN_ALL = 256
OF_AGENT = 64
OF_ADDRESS = 4
OF_KIND: Mapping[PostKind, int] = {PostKind.CALLBACK: IN_ALL, PostKind.MAIL: 8}  # all mails go to one server

Address = tuple[str, str]


class ConcurrencyLimits:
    """Counts the callbacks that this process is sending."""

    def __init__(self) -> None:
        self._of_agent: Counter[str] = Counter()
        self._of_address: Counter[Address] = Counter()
        self._of_kind: Counter[PostKind] = Counter()

    @property
    def room(self) -> int:
        return IN_ALL - self._of_agent.total()

    @property
    def full_agents(self) -> list[str]:
        return [agent for agent, count in self._of_agent.items() if count >= OF_AGENT]

    @property
    def full_addresses(self) -> list[Address]:
        return [address for address, count in self._of_address.items() if count >= OF_ADDRESS]

    def has_room(self, kind: PostKind) -> bool:
        return self._of_kind[kind] < OF_KIND[kind]

    def admit(self, dues: Iterable[DueCallback]) -> list[DueCallback]:
        """Admits callbacks in order while there is room, and returns those admitted."""
        return [due for due in dues if self._enter(due)]

    def _enter(self, due: DueCallback) -> bool:
        if (
            not self.room
            or not self.has_room(due.kind)
            or self._of_agent[due.agent_id] >= OF_AGENT
            or self._of_address[_address_of(due)] >= OF_ADDRESS
        ):
            return False
        self._of_agent[due.agent_id] += 1
        self._of_address[_address_of(due)] += 1
        self._of_kind[due.kind] += 1
        return True

    def release(self, due: DueCallback) -> None:
        self._of_agent -= Counter([due.agent_id])  # this also removes entries that reach zero
        self._of_address -= Counter([_address_of(due)])
        self._of_kind -= Counter([due.kind])


def _address_of(due: DueCallback) -> Address:
    return due.agent_id, due.url
