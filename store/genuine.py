"""Which words this process has found to be genuine, by a digest of their text: the same text is not checked again."""

from __future__ import annotations

from hashlib import sha256
from threading import Lock

MOST = 20_000  # events, of some 150 bytes each


class Genuine:
    """Shared by the threads that read and write."""

    def __init__(self, most: int = MOST) -> None:
        self._most, self._lock = most, Lock()
        self._known: dict[str, bytes] = {}

    def knows(self, event_id: str, salt: str | None, text: str) -> bool:
        return self._known.get(event_id) == _mark(salt, text)

    def learn(self, event_id: str, salt: str | None, text: str) -> None:
        with self._lock:
            self._known[event_id] = _mark(salt, text)
            while len(self._known) > self._most:
                del self._known[next(iter(self._known))]


def _mark(salt: str | None, text: str) -> bytes:
    return sha256(f"{salt} {text}".encode(errors="surrogatepass")).digest()
