"""How much room each text has on a card: less for packages with much text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Measure:
    """Shares of the full lengths, for texts that the decision depends on (`main`) and for supporting texts."""

    main_share: float = 1.0
    support_share: float = 1.0

    def main(self, most: int) -> int:
        return int(most * self.main_share)

    def support(self, most: int) -> int:
        return int(most * self.support_share)


# Tried in order until the card fits. The content to approve has its own limits in `rules.package.layout`.
MEASURES = (
    Measure(),
    Measure(1.0, 0.5),
    Measure(0.6, 0.35),
    Measure(0.4, 0.2),
    Measure(0.2, 0.1),
    Measure(0.1, 0.05),
)
