"""What the tests of the level ask: a package on which no voice has anything to say, and what speaks up."""

from __future__ import annotations

from typing import Any

from rules.package.model import DecisionPackage
from rules.policy.model import Policy
from rules.scales import HITLLevel
from rules.state.case import Background
from rules.state.level import Assessment, assess
from tests.rules import world

FREE = Background(
    earned=HITLLevel.FULL_AUTO
)  # an agent that has earned all there is to earn, so that no voice drowns another


def calm(**fields: Any) -> DecisionPackage:
    """A package on which no voice has anything to say."""
    return world.package(**{"risk_level": "low", "confidence": 0.95, **fields})


def found(background: Background = FREE, policy: Policy = world.POLICY, **fields: Any) -> Assessment:
    return assess(calm(**fields), background, policy)


def voices(assessment: Assessment) -> dict[str, HITLLevel]:
    return {why.rule: why.level for why in assessment.why}
