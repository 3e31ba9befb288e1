"""States and the text under which the database keeps them. The same text is the same state: it is read only once."""

from __future__ import annotations

from rules.state.model import PackageState
from store.engine.bounded_cache import BoundedCache

MOST = 1000  # of some 15 kB each, text and state

_KNOWN = BoundedCache[str, PackageState](MOST)


def parse_state(text: str) -> PackageState:
    return _KNOWN.get(text) or _KNOWN.add(text, PackageState.model_validate_json(text))


def serialize_state(state: PackageState) -> str:
    text = state.model_dump_json()
    _KNOWN.add(text, state)
    return text
