"""Compiled statements, shared by all engines of this process.

SQLAlchemy keeps them for each engine, because an engine has a dialect of its own. Our engines set up the dialect of one
kind of database alike, so a statement that one of them has compiled is right for all.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy.util import LRUCache

CAPACITY = 1000

_Key = tuple[Any, ...]


class _Compiled(LRUCache[_Key, Any]):
    """SQLAlchemy's key begins with the dialect; here it begins with the dialect's name."""

    def get(self, key: _Key, default: Any = None) -> Any:
        return super().get(_shared(key), default)

    def __setitem__(self, key: _Key, value: Any) -> None:
        super().__setitem__(_shared(key), value)


def _shared(key: _Key) -> _Key:
    dialect, *statement = key
    return (dialect.name, *statement)


COMPILED = _Compiled(CAPACITY)
