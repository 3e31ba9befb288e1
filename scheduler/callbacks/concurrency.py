"""Limits of what is sent at once: in total, per agent and address, so that nobody holds up the others.

Mails have room of their own, since all go to one server, and part of it is kept for takeovers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from store.outbox.callbacks import Urgency
from store.outbox.deliveries import DueCallback

IN_ALL = 256  # callbacks
OF_AGENT = 64
OF_ADDRESS = 4
MAILS = 8
MAX_ROOM: Mapping[Urgency, int] = {
    Urgency.TAKEOVER: MAILS,
    Urgency.MAIL: MAILS - 2,  # two are kept for takeovers
    Urgency.CALLBACK: IN_ALL,
}

Address = tuple[str, str]  # the agent's id and the URL


class ConcurrencyLimits:
    """Counts what this process is sending."""

    def __init__(self) -> None:
        self._of_agent: Counter[str] = Counter()
        self._of_address: Counter[Address] = Counter()
        self._of_urgency: Counter[Urgency] = Counter()

    def room(self, urgency: Urgency) -> int:
        """How many more of this urgency may be sent now."""
        own = MAX_ROOM[urgency] - self._of_urgency[urgency]
        if urgency is Urgency.CALLBACK:
            return own
        return min(own, MAILS - self._of_urgency[Urgency.TAKEOVER] - self._of_urgency[Urgency.MAIL])

    @property
    def full_agents(self) -> list[str]:
        return [agent for agent, count in self._of_agent.items() if count >= OF_AGENT]

    @property
    def full_addresses(self) -> list[Address]:
        return [address for address, count in self._of_address.items() if count >= OF_ADDRESS]

    def admit(self, dues: Iterable[DueCallback]) -> list[DueCallback]:
        """Admits callbacks in order while there is room, and returns those admitted."""
        return [due for due in dues if self._enter(due)]

    def _enter(self, due: DueCallback) -> bool:
        if (
            self.room(due.urgency) <= 0
            or self._of_agent[due.agent_id] >= OF_AGENT
            or self._of_address[_address_of(due)] >= OF_ADDRESS
        ):
            return False
        self._of_agent[due.agent_id] += 1
        self._of_address[_address_of(due)] += 1
        self._of_urgency[due.urgency] += 1
        return True

    def release(self, due: DueCallback) -> None:
        self._of_agent -= Counter([due.agent_id])  # this also removes entries that reach zero
        self._of_address -= Counter([_address_of(due)])
        self._of_urgency -= Counter([due.urgency])


def _address_of(due: DueCallback) -> Address:
    return due.agent_id, due.url
