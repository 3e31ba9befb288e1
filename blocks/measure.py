"""How much of each text a card has room for: the same for all packages, less for those that say too much."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Measure:
    """Shares of the full lengths: of what a decision hangs on, and of what supports it."""

    main: float = 1.0
    rest: float = 1.0

    def much(self, most: int) -> int:
        return int(most * self.main)

    def less(self, most: int) -> int:
        return int(most * self.rest)


# In turn, until the card fits. What is approved is not measured: it has the limits of `rules.layout`.
MEASURES = (
    Measure(),
    Measure(1.0, 0.5),
    Measure(0.6, 0.35),
    Measure(0.4, 0.2),
    Measure(0.2, 0.1),
    Measure(0.1, 0.05),
)
