"""A receiver of the feed, as far as the sender needs it. `bot` implements the file."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from rules.record.cloud_event import CloudEvent


class Receipt(NamedTuple):
    """How many of the events were taken, always the first ones, and why the next was not.

    `not_before`: as the receiver asks. `is_busy`: it asks for a pause of all events, not only of this one.
    """

    taken: int
    error: str | None = None
    not_before: datetime | None = None
    is_busy: bool = False


class FeedReceiver(Protocol):
    """`at_once`: how many chains a process sends to it at the same time.

    `is_shared`: it is the same one for all processes. A file is not: each process writes its own.
    """

    at_once: int
    is_shared: bool

    async def take(self, events: Sequence[CloudEvent]) -> Receipt:
        """Take events of one chain, in order, within `TAKES_WITHIN` seconds. Never raises."""
        ...


TAKES_WITHIN = 40.0  # seconds: an event that was begun before then has 15 s more
