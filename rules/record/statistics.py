"""What the numbers say, as values: the store counts them, the card of `/reviews stats` and the terminal show them."""

from __future__ import annotations

from enum import StrEnum

from rules.scales import HITLLevel
from rules.state.commands import HumanDecisionType
from rules.state.model import Status
from rules.values import Moment, Value

_BY_PEOPLE = (Status.APPROVED, Status.OVERRIDDEN, Status.REJECTED, Status.TAKEN_OVER, Status.REVOKED)


class Age(StrEnum):
    """How long a package has been waiting, from the day it came in."""

    UNDER_1H = "<1h"
    UNDER_4H = "1h-4h"
    UNDER_24H = "4h-24h"
    UNDER_3D = "1d-3d"
    OLDER = ">3d"


class Waiting(Value):
    """How many packages of a level and an age wait for people."""

    level: HITLLevel
    age: Age
    count: int


class Statistics(Value):
    """What happened after `since` and not after `until`, and what was waiting at the end of it.

    `settled` is what packages came to, with those that needed nobody left out: these are `automatic`. `decisions`
    counts what people said, each one of a quorum by themselves, and also what only moved a package on.
    """

    since: Moment
    until: Moment
    pending: tuple[Waiting, ...] = ()
    settled: dict[Status, int] = {}
    automatic: int = 0
    decisions: dict[HumanDecisionType, int] = {}
    median_ms: int | None = None
    p90_ms: int | None = None
    sampled: int = 0
    judged: int = 0
    unsound: int = 0

    @property
    def waiting(self) -> int:
        return sum(each.count for each in self.pending)

    @property
    def decided(self) -> int:
        """Packages that people brought to an end."""
        return sum(self.settled.get(status, 0) for status in _BY_PEOPLE)

    @property
    def rates(self) -> dict[HumanDecisionType, float]:
        """The share of each decision among all that people gave."""
        given = sum(self.decisions.values())
        return {decision: count / given for decision, count in self.decisions.items()}

    @property
    def overridden_share(self) -> float | None:
        """How often people decided against the recommendation."""
        return _share(self.settled.get(Status.OVERRIDDEN, 0), self.decided)

    @property
    def unsound_share(self) -> float | None:
        """How often what was looked at afterwards should not have gone ahead."""
        return _share(self.unsound, self.judged)


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
