"""A stand-in for Slack that only answers who is in its channel and whether a card exists."""

from __future__ import annotations

from datetime import UTC, datetime

from scheduler.cards.members import ChannelMembers
from scheduler.cards.pacing import Pace
from scheduler.cards.proofs import Proofs
from scheduler.common.messenger import Posted, SlackError
from scheduler.time.consents import Consents
from scheduler.time.heartbeat import Heartbeat
from store.outbox.rate_budget import Rates
from store.store import Store
from tests.rules.world import ALL


class ChannelStandIn:
    def __init__(self) -> None:
        self.people, self.fault = ALL, dict[str, SlackError]()
        self.calls: list[str] = []

    async def members(self, channel: str, page: str) -> tuple[frozenset[str], str | None]:
        self._record_call("members")
        return self.people, None

    async def permalink(self, posted: Posted) -> str:
        self._record_call("permalink")
        return f"https://slack.example/{posted.channel}/{posted.ts}"

    def _record_call(self, what: str) -> None:
        self.calls.append(what)
        if what in self.fault:
            raise self.fault[what]


def consents(store: Store, heart: Heartbeat, slack: ChannelStandIn) -> Consents:
    def now() -> datetime:
        return datetime.now(UTC)

    pace = Pace(store, Rates(), now)
    return Consents(store, heart, Proofs(slack, pace, ChannelMembers(slack, pace, now)))
