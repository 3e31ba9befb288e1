"""What both ways in, HTTP and Socket Mode, are to the listeners and to operators."""

from __future__ import annotations

from typing import Protocol

from scheduler.time.way_in import WayIn


class ClickWay(WayIn, Protocol):
    @property
    def trouble(self) -> str | None:
        """What keeps silence from being proven, in words for an operator."""

    def heard(self) -> None:
        """A request of Slack's was carried out."""

    async def answered(self, nonce: str) -> bool:
        """A probe came in; whether it was one that is awaited."""
