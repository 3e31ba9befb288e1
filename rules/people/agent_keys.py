"""What an agent's key may ask for (its scope), and how much of people's time it may take (its rates).

Without a scope a key may ask for anything. By default the rates bound only what waits for people; a rate that an
operator sets bounds every new package.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Annotated, NamedTuple

from pydantic import AfterValidator, Field, StringConstraints

from rules.policy.types import Pattern
from rules.scales import RiskLevel
from rules.values import Value

DEFAULT_PER_MINUTE, DEFAULT_MAX_OPEN = 120, 500
UNLIMITED = 0
MAX_RATE = 1_000_000
ANYTHING = "*"

RequesterPattern = Annotated[
    str,
    AfterValidator(lambda written: written.lower() if "@" in written else written),
    StringConstraints(pattern=r"^(\*|[UW][A-Z0-9]{1,20}|[A-Za-z0-9*][A-Za-z0-9_.+*-]{0,63}@[A-Za-z0-9.-]{1,253})$"),
]


class KeyScope(Value):
    """To the letter, like the scope of a role: a key reaches no further than it is written."""

    may: tuple[Pattern, ...] = (ANYTHING,)
    requesters: tuple[RequesterPattern, ...] = (ANYTHING,)
    max_risk: RiskLevel = RiskLevel.CRITICAL

    def covers(self, action_type: str) -> bool:
        return any(fnmatchcase(action_type, pattern) for pattern in self.may)

    def covers_requester(self, names: Iterable[str]) -> bool:
        """Whether the requester is covered under any of their names: user id, address."""
        return any(fnmatchcase(name, pattern) for name in names for pattern in self.requesters)


class Rates(Value):
    """Nothing set: the defaults, which bound what waits for people. `UNLIMITED`: no bound at all."""

    per_minute: Annotated[int, Field(ge=UNLIMITED, le=MAX_RATE)] | None = None
    max_open: Annotated[int, Field(ge=UNLIMITED, le=MAX_RATE)] | None = None

    @property
    def waiting(self) -> int:
        """The most new packages and versions a minute that wait for people."""
        return DEFAULT_PER_MINUTE if self.per_minute is None else self.per_minute

    @property
    def new(self) -> int:
        """The most new packages of every kind a minute."""
        return UNLIMITED if self.per_minute is None else self.per_minute

    @property
    def open(self) -> int:
        """The most packages that are open at a time."""
        return DEFAULT_MAX_OPEN if self.max_open is None else self.max_open


class Load(NamedTuple):
    """What the agent asked within the last minute, with the time of the oldest, and how many of its packages are open.

    What is not bounded is not counted.
    """

    waiting: int = 0
    waiting_since: datetime | None = None
    new: int = 0
    new_since: datetime | None = None
    open: int = 0


NO_LOAD = Load()
