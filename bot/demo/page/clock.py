"""Business time of the demo: real time plus the time by which someone moved it. It never goes back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path


def read_moved(path: Path) -> timedelta:
    return timedelta(seconds=float(path.read_text()) if path.exists() else 0.0)


class MovedClock:
    """A move is stored before it takes effect: otherwise past events could lie in the future after a restart."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.moved = read_moved(path)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.moved

    def move(self, span: timedelta) -> None:
        moved = self.moved + span
        new_file = self._path.with_suffix(".new")
        new_file.write_text(str(moved.total_seconds()))
        new_file.replace(self._path)
        self.moved = moved
