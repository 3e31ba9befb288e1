"""Compiled statements, shared by all engines of this process.

SQLAlchemy caches them for each engine, because each engine has its own dialect object. Our engines configure the
dialect of one database the same way, so a statement compiled for one engine fits all.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy.util import LRUCache

CAPACITY = 1000

_Key = tuple[Any, ...]


class _CompiledCache(LRUCache[_Key, Any]):
    """Uses the name of the dialect as the first part of the key, instead of the dialect object."""

    def get(self, key: _Key, default: Any = None) -> Any:
        return super().get(_shared_key(key), default)

    def __setitem__(self, key: _Key, value: Any) -> None:
        super().__setitem__(_shared_key(key), value)


def _shared_key(key: _Key) -> _Key:
    dialect, *statement = key
    return (dialect.name, *statement)


COMPILED = _CompiledCache(CAPACITY)
