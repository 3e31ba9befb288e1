"""Writes the result of an attempt to send events of one chain, in one transaction.

The receiver's row is locked before the chain's, in all transactions, so that none wait for each other in a circle.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from scheduler.callbacks.retries import DELAYS
from scheduler.feed.receiver import Receipt
from scheduler.feed.retries import AllTaken, GiveUp, SendResult, TryAgain, result_of_event
from store.feed import lanes, positions
from store.feed.chains import FeedKey
from store.feed.positions import ClaimedChain, DueEvent, Progress


class FeedAttempt(NamedTuple):
    """`events`: those that were offered, and perhaps the next one, to know when it occurred.

    If this process has a receiver of its own, its errors begin with `own_prefix`, and `own_result` is what follows.
    """

    claim: ClaimedChain
    events: list[DueEvent]
    receipt: Receipt
    own_prefix: str = ""
    own_result: TryAgain | None = None

    @property
    def failed(self) -> DueEvent:
        return self.events[self.receipt.taken]

    @property
    def sent(self) -> int:
        """If someone has deleted events from the database, the receiver notices the gap."""
        taken = self.receipt.taken
        if not self.events:
            return self.claim.wanted
        return self.events[taken - 1].stored.revision if taken else self.claim.sent

    def occurred_at(self, place: int) -> datetime | None:
        return self.events[place].occurred_at if place < len(self.events) else None


def write_attempt(
    connection: Connection, key: FeedKey, attempt: FeedAttempt, now: datetime, chance: float
) -> SendResult:
    """Record how far the receiver came, and the pause or the loss that follows. Returns what to do next."""
    claim, receipt = attempt.claim, attempt.receipt
    if receipt.taken:
        lanes.note_taken(connection, key, now, attempt.own_prefix)
    if receipt.error is None:
        if not attempt.events:
            lanes.end_pause(connection, key, now)  # nothing was tried
        progress = Progress(attempt.sent, attempt.occurred_at(receipt.taken), now)
        positions.record_progress(connection, key, claim, progress)
        return AllTaken()
    lane = lanes.load_lane(connection, key, lock=True)
    assert lane  # noqa: S101 - the feed has begun
    tried = claim._replace(attempts=0, failed_at=None) if receipt.taken else claim
    result = attempt.own_result or result_of_event(receipt, tried, lane, now, chance)
    match result:
        case TryAgain(at, attempts, pause):
            if pause:
                error = attempt.own_prefix + receipt.error
                lanes.pause_lane(connection, key, error, since=lane.failing_since or now, until=pause)
            progress = Progress(attempt.sent, attempt.failed.occurred_at, at, attempts, now, receipt.error)
            positions.record_progress(connection, key, claim, progress)
        case GiveUp(error):
            progress = Progress(attempt.failed.stored.revision, attempt.occurred_at(receipt.taken + 1), now)
            positions.give_up_event(connection, key, claim, progress, error=error, now=now)
    return result


def write_unreadable(connection: Connection, key: FeedKey, claim: ClaimedChain, error: str, now: datetime) -> None:
    """Someone changed the rows so that they cannot be read. The chain is named as held, until an operator skips it."""
    at = now + DELAYS[min(claim.attempts, len(DELAYS) - 1)]
    progress = Progress(claim.sent, None, at, claim.attempts + 1, now, error)
    positions.record_progress(connection, key, claim, progress)
