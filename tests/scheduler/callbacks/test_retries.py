"""The result on a response follows a table, and no receiver can extend the delays."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.callbacks.client import Reply
from scheduler.callbacks.retries import (
    ATTEMPTS,
    DELAYS,
    JITTER,
    MAX_RETRY_AFTER,
    Dead,
    Delivered,
    Retry,
    result_of_failure,
    result_of_reply,
    retry_after,
)

CALLBACKS_PAGE = Path(__file__).parents[3] / "docs" / "callbacks.md"

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_any_2xx_counts_as_delivered(status: int) -> None:
    assert result_of_reply(Reply(status), 0, NOW, 0.5) == Delivered()


@given(status=st.integers(100, 999), attempts=st.integers(0, 50), chance=st.floats(0, 1), asked=st.text())
def test_any_other_status_is_retried_until_given_up(status: int, attempts: int, chance: float, asked: str) -> None:
    result = result_of_reply(Reply(status, asked), attempts, NOW, chance)
    if 200 <= status < 300:
        expected: type = Delivered
    else:
        expected = Dead if status == 410 or attempts + 1 >= ATTEMPTS else Retry
    assert isinstance(result, expected)


@given(attempts=st.integers(0, len(DELAYS) - 1), chance=st.floats(0, 1))
def test_a_delay_is_that_of_the_table_within_20_percent(attempts: int, chance: float) -> None:
    result = result_of_failure("", attempts, NOW, chance)
    assert isinstance(result, Retry)
    assert DELAYS[attempts] * (1 - JITTER) <= result.at - NOW <= DELAYS[attempts] * (1 + JITTER)


def test_delays_only_grow_and_last_for_days() -> None:
    assert all(one < other for one, other in pairwise(DELAYS))
    assert timedelta(days=3) < sum(DELAYS, timedelta()) < timedelta(days=4)


def test_the_readme_has_the_table() -> None:
    (row,) = [line for line in CALLBACKS_PAGE.read_text().splitlines() if line.startswith("| again after |")]
    assert [cell.strip() for cell in row.strip("| ").split("|")[1:]] == [_write_delay(delay) for delay in DELAYS]


def _write_delay(span: timedelta) -> str:
    seconds = int(span.total_seconds())
    return next(f"{seconds // unit}{name}" for unit, name in ((3600, "h"), (60, "m"), (1, "s")) if seconds >= unit)


@pytest.mark.parametrize(
    ("written", "waits"),
    [
        ("120", timedelta(seconds=120)),
        (" 120 ", timedelta(seconds=120)),
        (format_datetime(NOW + timedelta(hours=1), usegmt=True), timedelta(hours=1)),
        ("Friday, 20-Nov-26 13:00:00 GMT", timedelta(hours=1)),
        ("Fri Nov 20 13:00:00 2026", timedelta(hours=1)),
        ("Fri, 20 Nov 2026 15:00:00 +0200", timedelta(hours=1)),
        ("999999999", MAX_RETRY_AFTER),
        ("Fri, 20 Nov 2099 13:00:00 GMT", MAX_RETRY_AFTER),
    ],
)
def test_retry_after_is_in_seconds_or_a_date_and_one_day_at_most(written: str, waits: timedelta) -> None:
    assert retry_after(written, NOW) == NOW + waits


@pytest.mark.parametrize(
    "written",
    ["", "0", "-5", "1.5", "1e9", "soon", "9" * 5000, "٣٣", "Fri, 20 Nov 2026 11:00:00 GMT", "Fri, 99 Nov 99"],
)
def test_an_invalid_retry_after_is_ignored(written: str) -> None:
    assert retry_after(written, NOW) is None


@given(st.text() | st.text("0123456789 :,+-GMTFriNov"))
def test_any_retry_after_is_bounded(written: str) -> None:
    until = retry_after(written, NOW)
    assert until is None or NOW < until <= NOW + MAX_RETRY_AFTER


def test_retry_after_delays_a_retry_and_never_hastens_it() -> None:
    later = result_of_reply(Reply(503, "3600"), 0, NOW, 0.5)
    sooner = result_of_reply(Reply(503, "1"), 5, NOW, 0.5)
    assert later == Retry(NOW + timedelta(hours=1), "answered 503", NOW + timedelta(hours=1))
    assert sooner == Retry(NOW + DELAYS[5], "answered 503", NOW + timedelta(seconds=1))
