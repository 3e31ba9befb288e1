"""Asks Slack about cards before silence counts as consent: whether each card still exists, and who can see it.

Channels are asked once for all their cards, cards one by one. What Slack does not answer in time is unknown.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Coroutine, Iterable, Mapping
from typing import Any, NamedTuple, TypeVar

from rules.state.sightings import CardLocation, SeenCard
from scheduler.cards.members import ChannelMembers
from scheduler.cards.pacing import Pace
from scheduler.common.endings import finish_or_cancel
from scheduler.common.messenger import Lookup, Posted, RefusedError, SlackError, UnreachableError
from store.outbox.rate_budget import PERMALINKS

WITHIN = 20.0  # seconds for the calls about channels, and as many for those about cards
AT_ONCE = 16  # concurrent calls
_DIRECT = "D"  # prefix of the ids of direct messages

K = TypeVar("K")


class CardProof(NamedTuple):
    """`people`: who can see the card; None if the card is gone. `fault`: why neither is known."""

    people: Collection[str] | None = None
    fault: SlackError | None = None


class Proofs:
    def __init__(self, slack: Lookup, pace: Pace, onlookers: ChannelMembers) -> None:
        self._slack, self._pace, self._members = slack, pace, onlookers

    async def of(self, cards: Collection[SeenCard]) -> Mapping[CardLocation, CardProof]:
        room = asyncio.Semaphore(AT_ONCE)
        channels = {card.channel for card in cards if not card.channel.startswith(_DIRECT)}
        seeing = await _run_all((channel, self._in_channel(channel, room)) for channel in channels)
        places = {card.location: seeing.get(card.channel, CardProof(tuple(card.since))) for card in cards}
        return await _run_all((at, self._of(at, proof, room)) for at, proof in places.items())

    async def _in_channel(self, channel: str, room: asyncio.Semaphore) -> CardProof:
        async with room:
            return CardProof(await self._members.of(channel, fresh=False))

    async def _of(self, at: CardLocation, proof: CardProof, room: asyncio.Semaphore) -> CardProof:
        """If the channel is gone or unknown, so are its cards."""
        if proof.people is None:
            return proof
        async with room:
            spent = await self._pace.spend(PERMALINKS)
            async with self._pace.calling(spent):
                await self._slack.permalink(Posted(*at))
        return proof


async def _run_all(calls: Iterable[tuple[K, Coroutine[Any, Any, CardProof]]]) -> dict[K, CardProof]:
    """Runs all calls concurrently; each has its own fault."""
    tasks = {key: asyncio.create_task(_proof(call)) for key, call in calls}
    try:
        await finish_or_cancel(tasks.values(), WITHIN)
    finally:
        for task in tasks.values():
            task.cancel()
    late = CardProof(fault=UnreachableError("Slack did not answer in time"))
    return {key: late if task.cancelled() else task.result() for key, task in tasks.items()}


async def _proof(call: Coroutine[Any, Any, CardProof]) -> CardProof:
    try:
        return await call
    except RefusedError:
        return CardProof()
    except SlackError as fault:
        return CardProof(fault=fault)
