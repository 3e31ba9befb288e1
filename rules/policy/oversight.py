"""Settings of how human control itself is watched: blind second looks, exported decisions, and reports with names."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import Field

from rules.policy.types import PositiveDuration, RowPath, Share, Tag
from rules.scales import RiskLevel
from rules.values import Value


class TierShares(Value):
    low: Share = 0
    medium: Share = 0
    high: Share = 0
    critical: Share = 0

    def of(self, risk: RiskLevel) -> float:
        return float(getattr(self, risk.value))


class Audit(Value):
    """`sample`: the share of people's approvals of each tier that someone else judges blindly, within `within`."""

    sample: TierShares = TierShares()
    within: PositiveDuration = timedelta(days=3)


class Feedback(Value):
    """`tags`: short reasons to tick when a package is rejected or sent back.

    `redact`: paths in the rows of `countersign export decisions` whose values are left out.
    """

    tags: Annotated[tuple[Tag, ...], Field(max_length=10)] = ()
    redact: tuple[RowPath, ...] = ()


class Oversight(Value):
    """`names`: whether the measures can be divided by reviewer. Each such reading is recorded."""

    names: bool = False
