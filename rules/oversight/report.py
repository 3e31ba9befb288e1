"""What the report of a month holds: the measures, and the single cases that a board asks about."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from rules.oversight.measures import Figures
from rules.oversight.months import Month
from rules.oversight.outcomes import Facts
from rules.oversight.statistics import Group, Statistics
from rules.scales import RiskLevel
from rules.state.decisions import ExecutionState


class Case(NamedTuple):
    """One package. `title` and `reason` are None if retention has emptied them, or the policy redacts them."""

    package_id: str
    title: str | None
    agent: str
    action_type: str
    role: str
    risk: RiskLevel
    ended_at: datetime
    facts: Facts
    execution: ExecutionState
    is_revoked: bool
    reason: str | None = None  # why people overrode the agent


class Cases(NamedTuple):
    """The newest cases of a kind, and how many there are."""

    shown: Sequence[Case] = ()
    total: int = 0


class ExceptionOfMonth(NamedTuple):
    """An exception to a rule that held in the month. `uses`: packages of the month for which it set the rule aside."""

    package_id: str
    rule: str
    action_types: Sequence[str]
    agents: Sequence[str]
    begins: datetime
    ends: datetime
    is_revoked: bool
    uses: int


class PolicyChange(NamedTuple):
    at: datetime
    version: str
    by: str


class Report(NamedTuple):
    """`until`: the end of the month, or now if it is not over. `before`: the measures of the month before it."""

    month: Month
    until: datetime
    made_at: datetime
    statistics: Statistics
    before: Figures
    weeks: Sequence[Group]
    types: Sequence[Group]
    overrides: Cases
    incidents: Cases
    unsound: Cases
    exceptions: Sequence[ExceptionOfMonth]
    policy_changes: Sequence[PolicyChange]
    policy: str  # the version in force

    @property
    def is_over(self) -> bool:
        return self.until == self.month.end
