"""`Statistics`: counts of packages and decisions. The store counts; `/reviews stats` and the terminal show them."""

from __future__ import annotations

from enum import StrEnum

from rules.scales import HITLLevel
from rules.state.commands import HumanDecisionType
from rules.state.model import Status
from rules.values import Moment, Value

_BY_PEOPLE = (Status.APPROVED, Status.OVERRIDDEN, Status.REJECTED, Status.TAKEN_OVER, Status.REVOKED)


class Age(StrEnum):
    """How long a package has been waiting since it was submitted."""

    UNDER_1H = "<1h"
    UNDER_4H = "1h-4h"
    UNDER_24H = "4h-24h"
    UNDER_3D = "1d-3d"
    OLDER = ">3d"


class Waiting(Value):
    """The number of packages of this level and age that wait for people."""

    level: HITLLevel
    age: Age
    count: int


class Statistics(Value):
    """What happened after `since` and up to `until`, and what was waiting at `until`.

    `settled` counts final statuses, without the packages that needed nobody: these are `automatic`. `decisions` counts
    every decision of a person, each vote of a quorum included, and also those that did not settle the package.
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
        return sum(waiting.count for waiting in self.pending)

    @property
    def decided(self) -> int:
        """The packages that people decided."""
        return sum(self.settled.get(status, 0) for status in _BY_PEOPLE)

    @property
    def rates(self) -> dict[HumanDecisionType, float]:
        """The share of each kind of decision."""
        given = sum(self.decisions.values())
        return {decision: count / given for decision, count in self.decisions.items()}

    @property
    def overridden_share(self) -> float | None:
        """The share of overrides among the packages that people decided."""
        return _share(self.settled.get(Status.OVERRIDDEN, 0), self.decided)

    @property
    def unsound_share(self) -> float | None:
        """The share of sampled packages that a person judged unsound."""
        return _share(self.unsound, self.judged)


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
