"""What listeners and operators see of a transport, HTTP or Socket Mode."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

from bot.metrics import Metrics
from scheduler.time.click_transport import ClickTransport


class RequestsServed(Protocol):
    def request_served(self) -> None:
        """Note that a request from Slack was carried out."""


class SlackTransport(ClickTransport, RequestsServed, Protocol):
    @property
    def trouble(self) -> str | None:
        """Why silence cannot be proven, in words for an operator."""

    async def probe_arrived(self, nonce: str) -> bool:
        """Note that a probe arrived. Returns whether it was awaited."""


class ClicksInProgress(Protocol):
    def in_progress(self) -> AbstractContextManager[None]:
        """Covers a click from its arrival until it is answered."""


class Receiver(Protocol):
    """Where the HTTP endpoint reports its requests: `ListenerContext`."""

    @property
    def clicks(self) -> ClicksInProgress: ...

    @property
    def metrics(self) -> Metrics: ...

    @property
    def transport(self) -> RequestsServed: ...
