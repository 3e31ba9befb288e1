"""The words for an agent's earned autonomy, in Slack and in the terminal."""

from __future__ import annotations

from datetime import datetime

from blocks.kit.text import format_duration, pluralize
from rules.people.autonomy import AutonomyProfile
from rules.policy.model import Autonomy
from rules.wording import humanize


def describe_record(profile: AutonomyProfile, now: datetime, settings: Autonomy) -> str:
    """What counts for the next level: 3 reviewed successes in a row, 1 failure in the last 1 day."""
    failures = profile.failures_that_count(now, settings)
    parts = [
        f"{pluralize(profile.consecutive_successes, 'reviewed success', 'reviewed successes')} in a row",
        *(
            [f"{pluralize(failures, 'failure')} in the last {format_duration(settings.failure_window)}"]
            if failures
            else []
        ),
        *([f"lowered on {profile.demoted_at:%Y-%m-%d}"] if profile.demoted_at else []),
    ]
    return ", ".join(parts)


def describe_rise(profile: AutonomyProfile, settings: Autonomy) -> str:
    if profile.milder_level is profile.current_level:
        return "the mildest level"
    return f"{humanize(profile.milder_level)} after {profile.successes_to_rise(settings)} more in a row"


def describe_fall(profile: AutonomyProfile, now: datetime, settings: Autonomy) -> str:
    level = profile.stricter_level(settings)
    if level is profile.current_level:
        return "the strictest level"
    failures = pluralize(profile.failures_to_fall(now, settings), "more failure")
    return f"{humanize(level)} after {failures} within {format_duration(settings.failure_window)}"


def describe_start(settings: Autonomy) -> str:
    return f"No reviewed outcomes yet: {humanize(settings.start)} for every action type."
