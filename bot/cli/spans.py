"""Spans of time as an operator writes them. Now plus or minus one of them is always a date."""

from __future__ import annotations

from datetime import timedelta

import typer

from rules.notation import LONGEST
from rules.values import parse_duration, write_duration


def span(written: str) -> timedelta:
    try:
        said: timedelta = parse_duration(written)
    except ValueError as fault:
        raise typer.BadParameter(str(fault)) from None
    if said > LONGEST:
        raise typer.BadParameter(f"must be at most {write_duration(LONGEST)}")
    return said


def period(written: str) -> timedelta:
    """A span in which something can have happened."""
    said = span(written)
    if not said:
        raise typer.BadParameter("must be longer than nothing")
    return said
