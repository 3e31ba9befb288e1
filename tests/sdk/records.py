"""What an agent does for real in these tests: each time is kept."""

from __future__ import annotations

from typing import Any


class Records:
    def __init__(self) -> None:
        self.read_ones: list[Any] = []

    def read(self, record: str, copies: int = 1) -> str:
        """Read a record."""
        self.read_ones.append((record, copies))
        return f"record {record}"
