"""Calls to Slack whose refusal is a result."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TypeVar

from scheduler.common.messenger import BusyError, SlackError, UnreachableError

T = TypeVar("T")


async def answer_or_error(call: Awaitable[T]) -> T | str:
    """Return the answer, or Slack's error code. Raise if Slack is unreachable or busy: other calls would fail too."""
    try:
        return await call
    except (UnreachableError, BusyError):
        raise
    except SlackError as fault:
        return fault.error
