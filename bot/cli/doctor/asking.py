"""A question to Slack, of which a refusal is an answer too."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TypeVar

from scheduler.common.messenger import BusyError, SlackError, UnreachableError

T = TypeVar("T")


async def tried(asked: Awaitable[T]) -> T | str:
    """The answer, or the word in which Slack refuses. That it does not answer at all concerns every question."""
    try:
        return await asked
    except (UnreachableError, BusyError):
        raise
    except SlackError as fault:
        return fault.error
