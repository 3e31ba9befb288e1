"""Sends the events of all chains to one receiver of the feed. Any number of processes may do this at the same time.

Each tick looks for events that the feed does not know (`store.feed.chains`), and starts to send what is due: a few
chains at once, the events of each in order. A claim is a lease (`store.feed.positions`). What follows from a failure is
decided in `scheduler.feed.retries`. Commands write nothing for the feed and never wait for it.
"""

from __future__ import annotations

import asyncio
import platform
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial

import structlog
from sqlalchemy import Connection

from rules.record.cloud_event import cloud_event
from scheduler.common import endings
from scheduler.feed.attempts import FeedAttempt, write_attempt, write_unreadable
from scheduler.feed.discovery import FeedDiscovery
from scheduler.feed.own_pause import OwnPause
from scheduler.feed.receiver import FeedReceiver
from scheduler.feed.retries import AllTaken, GiveUp, SendResult, TryAgain
from store.engine.workers import UnavailableError
from store.feed import lanes, positions
from store.feed.chains import FeedKey, FeedKind
from store.feed.lanes import TROUBLE
from store.feed.positions import ClaimedChain
from store.store import Store

log = structlog.get_logger()

MAX_EVENTS = 50  # of one chain in one claim
CLAIMED_FOR = timedelta(minutes=1)  # longer than a receiver takes for them


def _utc_now() -> datetime:
    return datetime.now(UTC)


class FeedSender:
    """`count` gets the outcome of each event: delivered, failed or dead."""

    def __init__(
        self,
        store: Store,
        feed: FeedKind,
        receiver: FeedReceiver,
        count: Callable[[str], object],
        *,
        now: Callable[[], datetime] = _utc_now,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._store, self._receiver, self._count, self._now, self._chance = store, receiver, count, now, chance
        self.key = FeedKey(store.installation.tenant_id, feed)
        self._discovery = FeedDiscovery(store, self.key, now)
        self._own_prefix = "" if receiver.is_shared else f"{platform.node()}: "
        self._own_pause = OwnPause()
        self._is_turn_of_replay = False
        self._running: set[asyncio.Task[None]] = set()
        self._draining = False

    async def tick(self) -> None:
        """Look for news, and start to send what is due. Does not wait for results."""
        try:
            await self._discovery.look()
            for _ in range(await self._count_due(self._receiver.at_once - len(self._running))):
                task = asyncio.create_task(self._work())
                self._running.add(task)
                task.add_done_callback(self._running.discard)
        except UnavailableError as fault:
            log.warning("feed.database_unavailable", feed=self.key.feed.value, error=str(fault))

    async def drain(self, within: float) -> None:
        """Start nothing new and wait. What is late is cancelled, and some process sends it again."""
        self._draining = True
        await endings.finish_or_cancel(self._running, within)

    async def _work(self) -> None:
        """Send one chain after the other until nothing is due."""
        try:
            while claim := await self._claim():
                await self._send(claim)
        except UnavailableError as fault:
            log.warning("feed.database_unavailable", feed=self.key.feed.value, error=str(fault))
        except Exception:
            log.exception("feed.fault", feed=self.key.feed.value)

    async def _claim(self) -> ClaimedChain | None:
        if not await self._count_due(1):
            return None
        claim = _claim_of_shared if self._receiver.is_shared else positions.claim_chain
        now = self._now()
        turn = partial(claim, key=self.key, now=now, until=now + CLAIMED_FOR, replayed=self._is_turn_of_replay)
        claimed = await self._store.write(turn)
        if claimed:
            self._is_turn_of_replay = not claimed.replayed
        return claimed

    async def _count_due(self, room: int) -> int:
        """How many chains this process can send now, at most `room`."""
        now = self._now()
        if self._draining or not self._own_pause.has_ended(now):
            return 0
        count = _count_due_of_shared if self._receiver.is_shared else positions.count_due_chains
        return await self._store.read(partial(count, key=self.key, now=now, limit=room))

    async def _send(self, claim: ClaimedChain) -> None:
        load = partial(positions.load_due_events, key=self.key, claim=claim, limit=MAX_EVENTS + 1)
        try:
            events = await self._store.read(load)
        except ValueError as fault:  # a time that is none, for example
            log.exception("feed.unreadable", feed=self.key.feed.value, chain=claim.chain_id)
            error = f"cannot be read from the database: {fault}"
            hold = partial(write_unreadable, key=self.key, claim=claim, error=error, now=self._now())
            await self._store.write(hold)
            return
        receipt = await self._receiver.take([cloud_event(event.stored) for event in events[:MAX_EVENTS]])
        is_own = not self._receiver.is_shared
        own_result = self._own_pause.result_of(receipt, self._now(), self._chance()) if is_own else None
        attempt = FeedAttempt(claim, events, receipt, self._own_prefix, own_result)
        write = partial(write_attempt, key=self.key, attempt=attempt, now=self._now(), chance=self._chance())
        self._tell(attempt, await self._store.write(write))

    def _tell(self, attempt: FeedAttempt, result: SendResult) -> None:
        for _ in range(attempt.receipt.taken):
            self._count("delivered")
        ids = {"feed": self.key.feed.value, "chain": attempt.claim.chain_id}
        match result:
            case AllTaken():
                pass
            case TryAgain(at):
                log.warning("feed.failed", **ids, error=attempt.receipt.error, again_at=at.isoformat())
                self._count("failed")
            case GiveUp(error):
                log.error("feed.gave_up", **ids, revision=attempt.failed.stored.revision, error=error)
                self._count("dead")


def _count_due_of_shared(connection: Connection, key: FeedKey, now: datetime, limit: int) -> int:
    """A receiver in trouble is tried by one process, with one chain."""
    lane = lanes.load_lane(connection, key)
    if lane is None or lane.is_paused(now):
        return 0
    return positions.count_due_chains(connection, key, now, min(limit, 1) if lane.failures >= TROUBLE else limit)


def _claim_of_shared(
    connection: Connection, key: FeedKey, now: datetime, until: datetime, *, replayed: bool
) -> ClaimedChain | None:
    """Claims the next chain; if the receiver is in trouble, only one process may."""
    lane = lanes.load_lane(connection, key)
    is_probe = lane is not None and lane.failures >= TROUBLE
    if is_probe and not lanes.take_probe(connection, key, now, until):
        return None
    claim = positions.claim_chain(connection, key, now, until, replayed=replayed)
    if is_probe and claim is None:
        lanes.end_pause(connection, key, now)  # another process has claimed what was due
    return claim
