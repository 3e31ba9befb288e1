"""What follows if a receiver did not take an event. Pure functions.

A receiver that takes nothing is in trouble: it is tried again for ever, with one event at a time, and nothing is lost.
A receiver that takes others and not this one refuses this one. Its chain waits, as callbacks to agents do, and after
three days the event is given up, so that it does not hold back what came after it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from scheduler.callbacks.retries import JITTER, Dead, result_of_failure
from scheduler.feed.receiver import Receipt
from store.feed.lanes import Lane
from store.feed.positions import ClaimedChain

TROUBLE = 3  # failures in a row, from which the receiver is left alone for a while
PAUSES = tuple(timedelta(seconds=seconds) for seconds in (5, 10, 20, 40, 60))
FIRST = PAUSES[0]


class GiveUp(NamedTuple):
    error: str


class TryAgain(NamedTuple):
    """`attempts`: how often the event was refused. `pause`: nothing is sent to the receiver before; None: as it is."""

    at: datetime
    attempts: int
    pause: datetime | None = None


class AllTaken(NamedTuple):
    pass


SendResult = AllTaken | TryAgain | GiveUp


def result_of_event(
    receipt: Receipt, claim: ClaimedChain, lane: Lane, now: datetime, chance: float
) -> GiveUp | TryAgain:
    """`claim` tells how often the event was not taken before. `chance` is between 0 and 1."""
    attempts, failed_at = claim.attempts, claim.failed_at
    if failed_at and lane.taken_at and lane.taken_at > failed_at:
        result = result_of_failure(receipt.error or "", attempts, now, chance, receipt.not_before)
        return GiveUp(result.error) if isinstance(result, Dead) else TryAgain(result.at, attempts + 1)
    is_probe = lane.retry_at == claim.lease
    if lane.failures >= TROUBLE and lane.retry_at and lane.retry_at > now and not is_probe:
        return TryAgain(lane.retry_at, attempts)  # it was sent with others, whose failures have paused the receiver
    pause = max(now + _pause_after(lane.failures + 1, chance), receipt.not_before or now)
    return TryAgain(max(pause, now + FIRST), attempts, pause)


def _pause_after(failures: int, chance: float) -> timedelta:
    if failures < TROUBLE:
        return timedelta(0)
    return PAUSES[min(failures - TROUBLE, len(PAUSES) - 1)] * (1 + JITTER * (2 * chance - 1))
