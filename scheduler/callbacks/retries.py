"""What follows from an attempt to deliver a callback: delivered, retry at a time, or dead. Pure functions.

Only a 2xx answer counts as delivered, and 410 closes the address. Everything else is retried with growing delays. A
receiver can ask for a longer pause, but for no more than a day and for no extra attempts.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import NamedTuple

from scheduler.callbacks.client import Reply

# Delays after the first attempt, the second, and so on. After three days, a receiver rarely comes back.
DELAYS: Sequence[timedelta] = (
    timedelta(seconds=5),
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
ATTEMPTS = len(DELAYS) + 1
JITTER = 0.2  # ±20 %, so that callbacks that failed together are not retried together
MAX_RETRY_AFTER = timedelta(days=1)  # the maximum, whatever Retry-After says

_SECONDS = re.compile(r"[0-9]{1,9}")


class Delivered(NamedTuple):
    pass


class Retry(NamedTuple):
    """`quiet_until`: the receiver asked that nothing is sent to this address before then."""

    at: datetime
    error: str
    quiet_until: datetime | None = None


class Dead(NamedTuple):
    """`closed`: nothing more is sent to this address until an operator enables it."""

    error: str
    closed: bool = False


class Dropped(NamedTuple):
    """It is not sent any more, because its content is out of date."""

    reason: str


class Postponed(NamedTuple):
    """It could not be tried yet. This does not count as an attempt."""

    at: datetime
    reason: str


AttemptResult = Delivered | Retry | Dead | Dropped | Postponed


def result_of_reply(reply: Reply, attempts: int, now: datetime, chance: float) -> AttemptResult:
    """`attempts` counts the earlier attempts. `chance` is between 0 and 1."""
    if HTTPStatus.OK <= reply.status < HTTPStatus.MULTIPLE_CHOICES:
        return Delivered()
    if reply.status == HTTPStatus.GONE:
        return Dead("answered 410 Gone: nothing more is sent to this address", closed=True)
    quiet_until = retry_after(reply.retry_after, now)
    result = result_of_failure(error_of_status(reply.status), attempts, now, chance, quiet_until)
    return result._replace(quiet_until=quiet_until) if isinstance(result, Retry) else result


def result_of_failure(
    error: str, attempts: int, now: datetime, chance: float, not_before: datetime | None = None
) -> Retry | Dead:
    """A retry after the next delay, or the end after the last one."""
    if attempts >= len(DELAYS):
        return Dead(f"{error}; given up after {ATTEMPTS} attempts")
    planned = now + DELAYS[attempts] * (1 + JITTER * (2 * chance - 1))
    return Retry(max(planned, not_before or planned), error)


def retry_after(header: str | None, now: datetime) -> datetime | None:
    """The end of the pause that a receiver asks for, in seconds or as a date; one day at most."""
    if header is None:
        return None
    until = _seconds(header.strip(), now) or _date(header)
    return min(until, now + MAX_RETRY_AFTER) if until and until > now else None


def _seconds(header: str, now: datetime) -> datetime | None:
    return now + timedelta(seconds=int(header)) if _SECONDS.fullmatch(header) else None


def _date(header: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(header)
    except (ValueError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def error_of_status(status: int) -> str:
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return f"answered {status}: redirects are not followed, give the address that it leads to"
    return f"answered {status}"
