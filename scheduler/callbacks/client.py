"""The post, as far as the courier needs it: one letter to one address. `bot` holds the real client."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol


class Reply(NamedTuple):
    """All that counts of an answer: its body is nobody's business."""

    status: int
    retry_after: str | None = None


class UnsentError(Exception):
    """No answer. Whether the letter arrived is not known; the sentence says why, and names no address."""


class CallbackClient(Protocol):
    async def send(self, url: str, headers: Mapping[str, str], body: bytes) -> Reply: ...
