"""Which words this process has found to be genuine, by a digest of their text: the same text is not checked again."""

from __future__ import annotations

from hashlib import sha256

from store.engine.bounded_cache import BoundedCache

MOST = 20_000  # events, of some 150 bytes each


class VerifiedContent:
    def __init__(self, most: int = MOST) -> None:
        self._known = BoundedCache[str, bytes](most)

    def knows(self, event_id: str, salt: str | None, text: str) -> bool:
        return self._known.get(event_id) == _mark(salt, text)

    def add(self, event_id: str, salt: str | None, text: str) -> None:
        self._known.add(event_id, _mark(salt, text))


def _mark(salt: str | None, text: str) -> bytes:
    return sha256(f"{salt} {text}".encode(errors="surrogatepass")).digest()
