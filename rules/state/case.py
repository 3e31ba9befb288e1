"""The input of the rules in `rules.state.level`: facts, the catalogue's entry for them, and the proposal.

`Facts` are known from a stored state as well, so a stored package can be judged by another policy; a `Proposal` exists
only at submission. `level_rules` reads the merged values from a `Case`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
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
    """What the level depends on besides the package itself.

    `earned`: the agent's autonomy. `failures`: how often it failed lately. `earlier`: the level that this action had
    before. `outsider`: a party of the package is outside the directory. `clicks_provable`: the service can prove that
    clicks reach it, so an objection cannot get lost. `set_aside`: the rules that exceptions set aside, each with the
    id of its exception.
    """

    earned: HITLLevel | None = None
    failures: int = 0
    earlier: HITLLevel | None = None
    earlier_no: EarlierNo | None = None
    outsider: bool = False
    clicks_provable: bool = True
    set_aside: Mapping[str, str] = {}


class Facts(NamedTuple):
    """What the level depends on, as far as it is known of a stored package too.

    `reversibility` is None if the agent names none. `excepted`: the action types for which the package asks for an
    exception. `set_aside`: the rules that exceptions set aside.
    """

    policy: Policy
    action_type: str
    kind: Kind
    risk: RiskLevel
    reversibility: Reversibility | None
    confidence: float
    earned: HITLLevel
    data_classes: frozenset[str] = frozenset()
    excepted: tuple[str, ...] = ()
    set_aside: frozenset[str] = frozenset()


class Proposal(NamedTuple):
    """What is known only while a package is submitted."""

    package: DecisionPackage
    background: Background
    whole_on_card: bool


class Case:
    """The facts merged with the catalogue's entry for the action type: the stricter of both."""

    def __init__(self, facts: Facts) -> None:
        self.policy, self.kind, self.confidence = facts.policy, facts.kind, facts.confidence
        self.action_type, self.earned = facts.action_type, facts.earned
        self.listing: Listing = facts.policy.listing(facts.action_type)
        self.action: Action | None = self.listing.action
        catalogue_reversibility = self.action.reversibility if self.action else Reversibility.IRREVERSIBLE_HIGH
        self.reversibility = max(catalogue_reversibility, facts.reversibility or catalogue_reversibility)
        self.risk = max(facts.risk, _catalogue_risk(self.action), *_least_risks(facts))
        self.excepted = facts.excepted
        self.data_classes = facts.data_classes.union(self.action.data_classes if self.action else ())

    @cached_property
    def floor(self) -> HITLLevel:
        """The lowest level that autonomy can earn: the strictest floor of the catalogue's entries for this type."""
        entries = (self.listing.own, *self.listing.broader)
        return max((entry and entry.floor) or _FLOORS[self.reversibility] for entry in entries)

    def ease(self, level: HITLLevel) -> HITLLevel:
        """A soft level, lowered as far as earned autonomy and the floor allow. No other level is ever lowered."""
        return min(level, max(self.earned, self.floor)) if level is HITLLevel.SOFT_APPROVAL else level


def _catalogue_risk(action: Action | None) -> RiskLevel:
    return action.risk if action else RiskLevel.LOW


def _least_risks(facts: Facts) -> list[RiskLevel]:
    """An exception counts as high risk at least, and as the gravest of what it could let through."""
    risks = [_catalogue_risk(facts.policy.action(action_type)) for action_type in facts.excepted]
    return [RiskLevel.HIGH, *risks] if risks else []


class Finding(NamedTuple):
    """The level that a rule asks for, and why. A plain tuple, because today's level is computed on every claim."""

    rule: str
    level: HITLLevel
    because: str


class StateRule(NamedTuple):
    """A rule that needs only the facts."""

    evaluate: Callable[[Case], Iterator[Finding]]


class ProposalRule(NamedTuple):
    """A rule that is applied only at submission, and not to a stored state. Most of them read the proposal."""

    evaluate: Callable[[Case, Proposal], Iterator[Finding]]
