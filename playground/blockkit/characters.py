"""How much text blocks hold, as Slack limits it for a whole message."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

_MEASURED_APART = frozenset(["table", "data_table"])  # their text has its own limits


def characters(blocks: Sequence[Any]) -> int:
    """The number of characters under `text` keys at any depth, outside tables."""
    total, waiting = 0, list(blocks)
    while waiting:
        part = waiting.pop()
        if isinstance(part, (list, tuple)):
            waiting.extend(part)
        elif isinstance(part, dict) and part.get("type") not in _MEASURED_APART:
            for key, value in part.items():
                if isinstance(value, (dict, list, tuple)):
                    waiting.append(value)
                elif key == "text" and isinstance(value, str):
                    total += len(value)
    return total
