"""Limits of an agent's key: what it may propose (`KeyScope`) and how many packages it may send (`Rates`).

Without a scope a key may propose anything. The default rates limit only packages that wait for people; a rate that an
operator sets limits every new package.
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
    AfterValidator(lambda address: address.lower() if "@" in address else address),
    StringConstraints(pattern=r"^(\*|[UW][A-Z0-9]{1,20}|[A-Za-z0-9*][A-Za-z0-9_.+*-]{0,63}@[A-Za-z0-9.-]{1,253})$"),
]


class KeyScope(Value):
    """What the key may propose. Patterns are matched case-sensitively, like the scopes of roles."""

    may: tuple[Pattern, ...] = (ANYTHING,)
    requesters: tuple[RequesterPattern, ...] = (ANYTHING,)
    max_risk: RiskLevel = RiskLevel.CRITICAL

    def covers(self, action_type: str) -> bool:
        return any(fnmatchcase(action_type, pattern) for pattern in self.may)

    def covers_requester(self, names: Iterable[str]) -> bool:
        """Whether any name of the requester (user id, address) matches."""
        return any(fnmatchcase(name, pattern) for name in names for pattern in self.requesters)


class Rates(Value):
    """The operator's limits. None: the default, for packages that wait for people. `UNLIMITED`: no limit."""

    per_minute: Annotated[int, Field(ge=UNLIMITED, le=MAX_RATE)] | None = None
    max_open: Annotated[int, Field(ge=UNLIMITED, le=MAX_RATE)] | None = None

    @property
    def waiting(self) -> int:
        """The limit of new packages and versions a minute that wait for people."""
        return DEFAULT_PER_MINUTE if self.per_minute is None else self.per_minute

    @property
    def new(self) -> int:
        """The limit of all new packages a minute."""
        return UNLIMITED if self.per_minute is None else self.per_minute

    @property
    def open(self) -> int:
        """The limit of packages that are open at the same time."""
        return DEFAULT_MAX_OPEN if self.max_open is None else self.max_open


class Load(NamedTuple):
    """What the agent sent within the last minute, with the time of the oldest, and how many of its packages are open.

    Values without a limit are not counted.
    """

    waiting: int = 0
    waiting_since: datetime | None = None
    new: int = 0
    new_since: datetime | None = None
    open: int = 0


NO_LOAD = Load()
