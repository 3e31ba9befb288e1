"""Whether a package contains what a person needs to judge it."""

from __future__ import annotations

from rules.package.model import DecisionPackage
from rules.policy.model import Policy
from rules.policy.tiers import Need
from rules.scales import RiskLevel

FIELDS = {
    Need.EVIDENCE: "evidence_refs",
    Need.UNCERTAINTY: "known_uncertainties",
    Need.EFFECTS: "side_effect_preview",
    Need.CONSEQUENCE: "consequence",
    Need.POLICY_BASIS: "policy_basis",
}


def missing_fields(package: DecisionPackage, risk: RiskLevel, policy: Policy) -> tuple[str, ...]:
    """The fields that this tier requires and that the package leaves empty."""
    needed = (FIELDS[need] for need in policy.tiers.of(risk).needs)
    return tuple(name for name in needed if not getattr(package, name))


def must_be_complete(risk: RiskLevel) -> bool:
    """Whether missing fields are refused (high and critical risk) or only shown as a warning on the card."""
    return risk >= RiskLevel.HIGH
