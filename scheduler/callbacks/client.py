"""The HTTP client for callbacks, as far as the sender needs it. `bot` implements it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol


class Reply(NamedTuple):
    """The parts of a response that matter. The body is ignored."""

    status: int
    retry_after: str | None = None


class UnsentError(Exception):
    """No response. Whether the callback arrived is unknown. The message says why and contains no address."""


class CallbackClient(Protocol):
    async def send(self, url: str, headers: Mapping[str, str], body: bytes) -> Reply: ...
