"""States and the text under which the database keeps them. The same text is the same state: it is read only once."""

from __future__ import annotations

from rules.state.model import PackageState
from store.engine.newest import Newest

MOST = 1000  # of some 15 kB each, text and state

_KNOWN = Newest[str, PackageState](MOST)


def state_of(text: str) -> PackageState:
    return _KNOWN.get(text) or _KNOWN.learn(text, PackageState.model_validate_json(text))


def text_of(state: PackageState) -> str:
    text = state.model_dump_json()
    _KNOWN.learn(text, state)
    return text
