"""How much of each text a card has room for: the same for all packages, less for those that say too much."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

_MEASURED_APART = frozenset(["table", "data_table"])  # their text has limits of its own


def characters(blocks: Sequence[Any]) -> int:
    """How much there is to read in sound blocks: all that stands under `text`, at any depth, outside of tables."""
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


@dataclass(frozen=True, slots=True)
class Measure:
    """Shares of the full lengths: of what a decision hangs on, and of what supports it."""

    main: float = 1.0
    rest: float = 1.0

    def much(self, most: int) -> int:
        return int(most * self.main)

    def less(self, most: int) -> int:
        return int(most * self.rest)


# In turn, until the card fits. What is approved is not measured: it has the limits of `rules.package.layout`.
MEASURES = (
    Measure(),
    Measure(1.0, 0.5),
    Measure(0.6, 0.35),
    Measure(0.4, 0.2),
    Measure(0.2, 0.1),
    Measure(0.1, 0.05),
)
