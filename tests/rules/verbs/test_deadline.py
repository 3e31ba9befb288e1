"""The deadline of a rung, in wall-clock time or in working hours."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rules.state.terms import deadline, terms_for
from tests.rules.world import HARD, policy

FRIDAY = datetime(2026, 11, 20, 16, tzinfo=UTC)
OFFICE = {"timezone": "UTC", "start": "09:00", "end": "17:00"}


def ends(timeout: timedelta, *, counted: bool = True, **hours: Any) -> datetime:
    role = {"members": ["USENTA"], "max_risk": "critical", "hours": OFFICE | hours}
    asked = policy(
        roles={"senior_reviewer": role},
        tiers={"high": {"hard_timeout": timeout, "timeout_in_working_hours": counted, "reminders": ()}},
    )
    terms = terms_for(asked, HARD.action_type, HARD.risk_level)
    return deadline(terms, "senior_reviewer", asked, FRIDAY)


def test_by_default_the_weekend_counts() -> None:
    assert ends(timedelta(hours=24), counted=False) == FRIDAY + timedelta(hours=24)


@pytest.mark.parametrize(
    ("timeout", "end"),
    [
        (timedelta(minutes=30), datetime(2026, 11, 20, 16, 30, tzinfo=UTC)),
        (timedelta(hours=1), datetime(2026, 11, 20, 17, tzinfo=UTC)),
        (timedelta(hours=2), datetime(2026, 11, 23, 10, tzinfo=UTC)),
        (timedelta(hours=24), datetime(2026, 11, 25, 16, tzinfo=UTC)),
    ],
)
def test_the_deadline_counts_only_working_hours_if_the_policy_says_so(timeout: timedelta, end: datetime) -> None:
    assert ends(timeout) == end


def test_holidays_are_not_working_time() -> None:
    assert ends(timedelta(hours=2), holidays=["2026-11-23"]) == datetime(2026, 11, 24, 10, tzinfo=UTC)


def test_a_role_without_hours_is_always_at_work() -> None:
    asked = policy(tiers={"high": {"timeout_in_working_hours": True}})
    terms = terms_for(asked, HARD.action_type, HARD.risk_level)
    assert deadline(terms, terms.role, asked, FRIDAY) == FRIDAY + terms.hard_timeout


def test_a_deadline_in_hours_that_never_add_up_ends_within_a_year() -> None:
    assert ends(timedelta(days=29), days=["mon"], start="09:00", end="09:01") == FRIDAY + timedelta(days=366)
