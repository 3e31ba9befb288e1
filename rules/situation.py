"""Everything that a decision looks at besides the package and the command: passed in, never fetched."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from rules.autonomy import AutonomyProfile
from rules.level import Background
from rules.package import DecisionPackage
from rules.people import AUTO, Actor, Agent, Roster
from rules.policy import Policy
from rules.scales import HITLLevel
from rules.sight import CardAt
from rules.values import Value


class Memory(Value):
    """What is remembered of the same action of the same agent, and of its thread."""

    rejected_in: str | None = None
    earlier_level: HITLLevel | None = None
    thread_taken_in: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """`fresh_id` is the one random part of every id that the command gives rise to; `chance` is its one throw.

    `cards` are the places where the service has posted the package, as far as it knows.
    """

    policy: Policy
    roster: Roster
    now: datetime
    tenant_id: str
    fresh_id: str
    actor: Actor = AUTO
    agent: Agent | None = None
    package: DecisionPackage | None = None
    profile: AutonomyProfile | None = None
    memory: Memory = field(default_factory=Memory)
    open_items: dict[str, int] = field(default_factory=dict)
    cards: frozenset[CardAt] = frozenset()
    chance: float = 1.0
    clicks_provable: bool = True
    trial: bool = False  # asked before a form opens: what the form shows has not been seen yet

    def background(self, earlier: HITLLevel | None = None) -> Background:
        known = [level for level in (earlier, self.memory.earlier_level) if level is not None]
        since = self.now - self.policy.matrix.failure_window
        return Background(
            earned=self.profile.current_level if self.profile else None,
            failures=self.profile.failures_since(since) if self.profile else 0,
            earlier=max(known, default=None),
            rejected_before=self.memory.rejected_in is not None,
            clicks_provable=self.clicks_provable,
        )
