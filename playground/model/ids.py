"""Ids that look like Slack's. None is used twice."""

from __future__ import annotations

import itertools
import secrets
import time
from string import ascii_letters, digits

ALPHABET = digits + ascii_letters


class IdGenerator:
    def __init__(self) -> None:
        self._last = 0
        self._numbers = itertools.count(1)

    def ts(self) -> str:
        """A message's timestamp is also its id, so no two are equal."""
        self._last = max(self._last + 1, int(time.time() * 1_000_000))
        return f"{self._last // 1_000_000}.{self._last % 1_000_000:06d}"

    def numbered_id(self, prefix: str) -> str:
        return f"{prefix}{next(self._numbers):08d}"

    def trigger(self) -> str:
        return f"{next(self._numbers)}.{int(time.time())}.{secrets.token_hex(16)}"

    def hash(self) -> str:
        return f"{int(time.time())}.{random_id(8)}"


def random_id(length: int = 5) -> str:
    """An id as Slack gives to a block or element that has none."""
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


def secret() -> str:
    """A text that nobody can guess, such as the key of a response URL."""
    return secrets.token_urlsafe(18)
