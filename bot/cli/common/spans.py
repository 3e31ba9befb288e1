"""Parses durations on the command line. They are limited, so that now plus or minus one is always a valid date."""

from __future__ import annotations

from datetime import timedelta

import typer

from rules.policy.types import check_span
from rules.values import parse_duration


def parse_span(text: str) -> timedelta:
    """Parse a duration, which may be zero."""
    return timedelta(0) if _parse(text) == timedelta(0) else parse_period(text)


def parse_period(text: str) -> timedelta:
    """Parse a duration greater than zero."""
    try:
        return check_span(_parse(text))
    except ValueError as fault:
        raise typer.BadParameter(str(fault)) from None


def _parse(text: str) -> timedelta:
    try:
        duration: timedelta = parse_duration(text)
    except ValueError as fault:
        raise typer.BadParameter(str(fault)) from None
    return duration
