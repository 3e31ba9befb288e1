"""Helpers for the tests of the level: a package for which no rule asks for more than `full_auto`."""

from __future__ import annotations

from typing import Any

from rules.package.model import DecisionPackage
from rules.policy.model import Policy
from rules.scales import HITLLevel
from rules.state.case import Background
from rules.state.level import Assessment, assess
from tests.rules import world

FREE = Background(earned=HITLLevel.FULL_AUTO)  # full autonomy, so that only the rule under test asks for more


def calm(**fields: Any) -> DecisionPackage:
    """A package for which no rule asks for more than `full_auto`."""
    return world.package(**{"risk_level": "low", "confidence": 0.95, **fields})


def assess_calm(background: Background = FREE, policy: Policy = world.POLICY, **fields: Any) -> Assessment:
    return assess(calm(**fields), background, policy)


def levels_by_rule(assessment: Assessment) -> dict[str, HITLLevel]:
    return {why.rule: why.level for why in assessment.why}
