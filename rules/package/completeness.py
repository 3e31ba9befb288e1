"""Whether a package says enough for a person to judge it. Humans should not approve opaque text."""

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
    """The fields that a card of this tier needs and this package leaves empty."""
    needed = (FIELDS[need] for need in policy.tiers.of(risk).needs)
    return tuple(name for name in needed if not getattr(package, name))


def must_be_complete(risk: RiskLevel) -> bool:
    """Whether a gap is a refusal (high and critical risk) or a warning that the card shows."""
    return risk >= RiskLevel.HIGH
