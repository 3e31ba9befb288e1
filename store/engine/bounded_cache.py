"""A bounded cache: the oldest entry is dropped first."""

from __future__ import annotations

from threading import Lock
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class BoundedCache(Generic[K, V]):
    """At most `limit` values. Safe for use by several threads."""

    def __init__(self, limit: int) -> None:
        self._most, self._lock = limit, Lock()
        self._known: dict[K, V] = {}

    def get(self, key: K) -> V | None:
        return self._known.get(key)

    def add(self, key: K, value: V) -> V:
        with self._lock:
            self._known[key] = value
            while len(self._known) > self._most:
                del self._known[next(iter(self._known))]
        return value
