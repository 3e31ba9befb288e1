"""Remembers which content this process has verified, by a digest of its text, so that it is not checked again."""

from __future__ import annotations

from hashlib import sha256

from store.engine.bounded_cache import BoundedCache

LIMIT = 20_000  # events, of some 150 bytes each


class VerifiedContent:
    def __init__(self, limit: int = LIMIT) -> None:
        self._known = BoundedCache[str, bytes](limit)

    def knows(self, event_id: str, salt: str | None, text: str) -> bool:
        return self._known.get(event_id) == _digest(salt, text)

    def add(self, event_id: str, salt: str | None, text: str) -> None:
        self._known.add(event_id, _digest(salt, text))


def _digest(salt: str | None, text: str) -> bytes:
    return sha256(f"{salt} {text}".encode(errors="surrogatepass")).digest()
