"""What listeners and operators see of a transport, HTTP or Socket Mode."""

from __future__ import annotations

from typing import Protocol

from scheduler.time.click_transport import ClickTransport


class SlackTransport(ClickTransport, Protocol):
    @property
    def trouble(self) -> str | None:
        """Why silence cannot be proven, in words for an operator."""

    def request_served(self) -> None:
        """Note that a request from Slack was carried out."""

    async def probe_arrived(self, nonce: str) -> bool:
        """Note that a probe arrived. Returns whether it was awaited."""
