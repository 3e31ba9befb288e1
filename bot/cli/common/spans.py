"""Spans of time as an operator writes them. Now plus or minus one of them is always a date."""

from __future__ import annotations

from datetime import timedelta

import typer

from rules.policy.types import check_span
from rules.values import parse_duration


def span(written: str) -> timedelta:
    """It may also be nothing."""
    return timedelta(0) if _read(written) == timedelta(0) else period(written)


def period(written: str) -> timedelta:
    """A span in which something can have happened."""
    try:
        return check_span(_read(written))
    except ValueError as fault:
        raise typer.BadParameter(str(fault)) from None


def _read(written: str) -> timedelta:
    try:
        said: timedelta = parse_duration(written)
    except ValueError as fault:
        raise typer.BadParameter(str(fault)) from None
    return said
