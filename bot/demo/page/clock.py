"""Business time in the demo: the real time, and so much more as somebody has moved it on. It never goes back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path


class MovedClock:
    """What was moved is kept before it holds: nothing that happened may lie ahead of the next start."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.moved = timedelta(seconds=float(path.read_text()) if path.exists() else 0.0)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.moved

    def move(self, span: timedelta) -> None:
        moved = self.moved + span
        written = self._path.with_suffix(".new")
        written.write_text(str(moved.total_seconds()))
        written.replace(self._path)
        self.moved = moved
