"""What the voices of `rules.state.level` look at: facts, the policy's entry for them, and the proposal."""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple

from rules.package.model import DecisionPackage, Kind
from rules.policy.actions import Action, Listing
from rules.policy.model import Policy
from rules.scales import HITLLevel, Reversibility, RiskLevel
from rules.state.noes import EarlierNo
from rules.values import Value

_FLOORS = {
    Reversibility.REVERSIBLE: HITLLevel.FULL_AUTO,
    Reversibility.PARTIALLY_REVERSIBLE: HITLLevel.NOTIFY_ONLY,
    Reversibility.IRREVERSIBLE_LOW: HITLLevel.SOFT_APPROVAL,
    Reversibility.IRREVERSIBLE_HIGH: HITLLevel.HARD_APPROVAL,
}


class Background(Value):
    """What bears on the level besides the package itself."""

    earned: HITLLevel | None = None
    failures: int = 0
    earlier: HITLLevel | None = None
    earlier_no: EarlierNo | None = None
    outsider: bool = False
    clicks_provable: bool = True


class Facts(NamedTuple):
    """What bears on the level and is known of a state as well. `reversibility` is None where the agent names none."""

    policy: Policy
    action_type: str
    kind: Kind
    risk: RiskLevel
    reversibility: Reversibility | None
    confidence: float
    earned: HITLLevel
    data_classes: frozenset[str] = frozenset()


class Proposal(NamedTuple):
    """What is known only while a package comes in."""

    package: DecisionPackage
    background: Background
    whole_on_card: bool


class Case:
    """Facts beside the policy's entry for them: what the voices look at."""

    def __init__(self, facts: Facts) -> None:
        self.policy, self.kind, self.confidence = facts.policy, facts.kind, facts.confidence
        self.action_type, self.earned = facts.action_type, facts.earned
        self.listing: Listing = facts.policy.listing(facts.action_type)
        self.action: Action | None = self.listing.action
        known = self.action.reversibility if self.action else Reversibility.IRREVERSIBLE_HIGH
        self.reversibility = max(known, facts.reversibility or known)
        self.risk = max(facts.risk, self.action.risk if self.action else RiskLevel.LOW)
        self.data_classes = facts.data_classes.union(self.action.data_classes if self.action else ())

    @cached_property
    def floor(self) -> HITLLevel:
        """What the own entry lets be earned; a broader entry lets no more be earned than it would by itself."""
        entries = (self.listing.own, *self.listing.broader)
        return max((entry and entry.floor) or _FLOORS[self.reversibility] for entry in entries)

    def eased(self, level: HITLLevel) -> HITLLevel:
        """A soft level, lowered as far as what was earned and the floor allow. No other level is ever lowered."""
        return min(level, max(self.earned, self.floor)) if level is HITLLevel.SOFT_APPROVAL else level
