"""The action of the agents in these tests. It keeps a list of its calls."""

from __future__ import annotations

from typing import Any


class Records:
    def __init__(self) -> None:
        self.calls: list[Any] = []

    def read(self, record: str, copies: int = 1) -> str:
        """Read a record."""
        self.calls.append((record, copies))
        return f"record {record}"
