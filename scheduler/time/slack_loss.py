"""What this process lacks of Slack, and since when. The heartbeat records it, so that all processes know together."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(slots=True)
class SlackLoss:
    """`unreached`: Slack does not take our calls. `unheard`: no click arrives. `undelivered`: no card gets through."""

    unreached: datetime | None = None
    unheard: datetime | None = None
    undelivered: datetime | None = None
    has_looked: bool = False

    def note_reach(self, last_beat: datetime, *, reachable: bool) -> None:
        """Slack is gone since the last beat that reached it."""
        self.has_looked = True
        self.unreached = None if reachable else self.unreached or last_beat

    def note_hearing(self, now: datetime, *, is_deaf: bool) -> None:
        self.unheard = (self.unheard or now) if is_deaf else None

    def note_delivery(self, now: datetime, delivered_at: datetime | None, *, waits: bool) -> None:
        """A long queue is no loss: what counts is the time in which cards wait and none is taken."""
        since = self.undelivered or now
        self.undelivered = max(since, delivered_at or since) if waits else None
