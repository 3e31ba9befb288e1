"""What follows if a receiver did not take an event. Pure functions.

A receiver that takes nothing is in trouble: it is tried again for ever, with one event at a time, and nothing is lost.
A receiver that takes others and not this one refuses this one. Its chain waits, as callbacks to agents do, and after
three days the event is given up, so that it does not hold back what came after it.

All events wait only if the receiver is in trouble, or asks for it with 429 or 503, and for minutes at most: what one
event is answered says little about the others. A start of a process and a replay end the pause.

A file is each process's own, so that what another process could write says nothing. A file refuses no event.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from scheduler.callbacks.retries import JITTER, Dead, result_of_failure
from scheduler.feed.receiver import Receipt
from store.feed.lanes import TROUBLE, Lane
from store.feed.positions import ClaimedChain

PAUSES = tuple(timedelta(seconds=seconds) for seconds in (5, 10, 20, 40, 60))
FIRST_PAUSE = PAUSES[0]
MAX_PAUSE = timedelta(minutes=15)  # of all events, whatever Retry-After says
SKEW = timedelta(minutes=1)  # between clocks: an event that was taken later than this was not taken yet


class GiveUp(NamedTuple):
    error: str


class TryAgain(NamedTuple):
    """`attempts`: how often the event was refused. `pause`: nothing is sent to the receiver before; None: no change."""

    at: datetime
    attempts: int
    pause: datetime | None = None


class AllTaken(NamedTuple):
    """The receiver took every event."""


SendResult = AllTaken | TryAgain | GiveUp


def result_of_event(
    receipt: Receipt, claim: ClaimedChain, lane: Lane, now: datetime, chance: float
) -> GiveUp | TryAgain:
    """`claim` tells how often the event was not taken before. `chance` is between 0 and 1."""
    if claim.failed_at and lane.taken_at and claim.failed_at < lane.taken_at <= now + SKEW:
        result = result_of_failure(receipt.error or "", claim.attempts, now, chance, receipt.not_before)
        return GiveUp(result.error) if isinstance(result, Dead) else TryAgain(result.at, claim.attempts + 1)
    return _result_of_trouble(receipt, claim, lane, now, chance)


def _result_of_trouble(receipt: Receipt, claim: ClaimedChain, lane: Lane, now: datetime, chance: float) -> TryAgain:
    # A probe has claimed the chain until the time at which it has put off the next probe.
    soon, is_probe = now + FIRST_PAUSE, lane.retry_at == claim.lease
    if lane.failures >= TROUBLE and lane.is_paused(now) and not is_probe:
        return TryAgain(soon, claim.attempts)  # it was sent with others, whose failures have paused the receiver
    asked = min(receipt.not_before or now, now + MAX_PAUSE)
    if lane.failures + 1 < TROUBLE and not receipt.is_busy:
        return TryAgain(max(soon, asked), claim.attempts, now)
    return TryAgain(soon, claim.attempts, max(now + pause_after(lane.failures + 1, chance), asked))


def pause_after(failures: int, chance: float) -> timedelta:
    if failures < TROUBLE:
        return timedelta(0)
    return PAUSES[min(failures - TROUBLE, len(PAUSES) - 1)] * (1 + JITTER * (2 * chance - 1))
