"""What this process lacks of Slack, and since when. The heartbeat records it, so that all processes know together."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(slots=True)
class SlackLoss:
    """`unreached`: Slack does not take our calls. `unheard`: no click arrives. `undelivered`: no card gets through.

    A process that has lacked one of these since its start does not know since when: it says since `started`. So it does
    not set back the start of an outage that others have noted.
    """

    started: datetime
    unreached: datetime | None = None
    unheard: datetime | None = None
    undelivered: datetime | None = None
    has_looked: bool = False
    has_listened: bool = False  # whether it knows if clicks arrive
    _has_heard: bool = False
    _has_delivered: bool = False

    def note_reach(self, last_beat: datetime, *, reachable: bool) -> None:
        """Slack is gone since the last beat that reached it."""
        self.has_looked = True
        self.unreached = None if reachable else self.unreached or last_beat

    def note_hearing(self, now: datetime, *, hears: bool | None) -> None:
        self.has_listened, self._has_heard = hears is not None, self._has_heard or hears is True
        self.unheard = (self.unheard or self._begun(now, had=self._has_heard)) if hears is False else None

    def note_delivery(self, now: datetime, delivered_at: datetime | None, *, waits: bool) -> None:
        """A long queue is no loss: what counts is the time in which cards wait and none is taken."""
        self._has_delivered = self._has_delivered or not waits or delivered_at is not None
        since = self.undelivered or self._begun(now, had=self._has_delivered)
        self.undelivered = max(since, delivered_at or since) if waits else None

    def _begun(self, now: datetime, *, had: bool) -> datetime:
        return now if had else self.started
