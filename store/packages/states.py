"""Converts states to and from the text in the database. Parsed states are cached by their text."""

from __future__ import annotations

import structlog
from pydantic import ValidationError

from rules.state.model import PackageState
from store.engine.bounded_cache import BoundedCache

log = structlog.get_logger()

LIMIT = 1000  # states; each takes about 15 kB, with its text

_CACHE = BoundedCache[str, PackageState](LIMIT)


def parse_state(text: str) -> PackageState:
    return _CACHE.get(text) or _CACHE.add(text, PackageState.model_validate_json(text))


def serialize_state(state: PackageState) -> str:
    text = state.model_dump_json()
    _CACHE.add(text, state)
    return text


def parse_or_log(package_id: str, state: str) -> PackageState | None:
    """The state, or None if it cannot be read."""
    try:
        return parse_state(state)
    except ValidationError as fault:
        where = [error["loc"] for error in fault.errors()]
    log.error("package.unreadable", package=package_id, fields=where)
    return None
