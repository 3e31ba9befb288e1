"""The deadline of a rung, in wall-clock time or in the working hours of its role, as the policy says."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from rules.people.working_time import moment_after, working_spans
from rules.policy.model import Policy
from rules.state.model import ReviewTask, Terms

_HORIZONS = (timedelta(days=28), timedelta(days=366))


def deadline(terms: Terms, role: str, policy: Policy, now: datetime) -> datetime:
    """When the rung ends. The package's own `expires_at` is not considered here and may come earlier."""
    hours = policy.roles[role].hours if terms.timeout_in_working_hours and role in policy.roles else None
    if hours is None:
        return now + terms.hard_timeout
    ends = (moment_after(working_spans(hours, now, now + ahead), terms.hard_timeout) for ahead in _HORIZONS)
    return next((end for end in ends if end), now + _HORIZONS[-1])


def timing_for_role(terms: Terms, role: str, policy: Policy, now: datetime, own_end: datetime | None) -> dict[str, Any]:
    """The times of a task when the time of this role begins."""
    return timing_until(terms, deadline(terms, role, policy, now), now, own_end)


def timing_until(terms: Terms, due_at: datetime, now: datetime, own_end: datetime | None) -> dict[str, Any]:
    """The times of a task with this deadline. Reminders that are overdue already count as sent."""
    end = min(due_at, own_end) if own_end else due_at
    return {"due_at": due_at, "timed_from": now, "reminded": reminders_passed(terms, end, now)}


def restart_task(task: ReviewTask, terms: Terms, policy: Policy, now: datetime, own_end: datetime | None) -> ReviewTask:
    """The task with its full time again."""
    return task.model_copy(update=timing_for_role(terms, task.required_role, policy, now, own_end))


def reminders_passed(terms: Terms, end: datetime, now: datetime) -> int:
    """How many of the reminders before this end are due already."""
    return sum(end - ahead <= now for ahead in terms.reminders)
