"""A month in UTC: its begin and end, and how it is written."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from rules.oversight.months import Month


@pytest.mark.parametrize(
    ("written", "begin", "end", "before"),
    [
        ("2026-11", datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC), "2026-10"),
        ("2026-12", datetime(2026, 12, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC), "2026-11"),
        ("2024-02", datetime(2024, 2, 1, tzinfo=UTC), datetime(2024, 3, 1, tzinfo=UTC), "2024-01"),
        ("2026-01", datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC), "2025-12"),
    ],
)
def test_a_month_ends_where_the_next_begins(written: str, begin: datetime, end: datetime, before: str) -> None:
    month = Month.parse(written)
    assert (str(month), month.begin, month.end, str(month.before)) == (written, begin, end, before)


NO_MONTHS = ["", "2026", "2026-13", "2026-1", "26-11", "2026-11-01", "2026-W4", "november"]
WITHOUT_NEIGHBOURS = ["0001-01", "9999-12"]


@pytest.mark.parametrize("written", [*NO_MONTHS, *WITHOUT_NEIGHBOURS])
def test_anything_else_is_no_month(written: str) -> None:
    with pytest.raises(ValueError, match=rf"{written}|Invalid|must be in"):
        Month.parse(written)
