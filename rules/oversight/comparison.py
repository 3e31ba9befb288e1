"""`Comparison`: what packages were asked then, what another policy asks of them, and what came of them.

Each package counts once, by its first version as it was submitted. Every package of the period is followed to its end,
also one that is not replayed: what went wrong is the evidence on which a policy is changed.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from rules.authority.authorization import asked_roles
from rules.oversight.aftermath import Ending, EvidenceGroup, Trace, TriedPackage
from rules.oversight.asking import Asking, Involvement, Shift, compare_answers
from rules.oversight.replay import Obstacle, PolicyAnswer, Replay, authority_in
from rules.policy.model import Policy
from rules.record.chain import Event
from rules.spelling import normalize_name
from rules.state.model import PackageState


@dataclass
class Counts:
    """How many packages of one action type, or of all."""

    packages: int = 0
    then: Counter[Involvement] = field(default_factory=Counter)
    new: Counter[Involvement] = field(default_factory=Counter)
    shifts: Counter[Shift] = field(default_factory=Counter)
    obstacles: Counter[Obstacle] = field(default_factory=Counter)

    @property
    def replayed(self) -> int:
        return sum(self.then.values())


@dataclass
class WentWrong:
    """How many of the packages that went wrong were replayed, by what the new policy asks, and how many were not."""

    new: Counter[Involvement] = field(default_factory=Counter)
    not_replayable: int = 0

    def add(self, package: TriedPackage) -> None:
        if package.new:
            self.new[package.new.involvement] += 1
        else:
            self.not_replayable += 1

    @property
    def packages(self) -> int:
        return self.new.total() + self.not_replayable


@dataclass
class Comparison:
    """`moves`: how much was asked then and now. `policies`: how many packages came in under each.

    `held`: packages that the new policy asks about, or asks more about, only because the same action was asked about
    before. `assumed`: packages that would be soft if clicks could be proven then, which is not known. `changed_roles`:
    roles that packages ask, and in which other people may act under the new policy.
    """

    moves: Counter[tuple[Asking, Asking]] = field(default_factory=Counter)
    total: Counts = field(default_factory=Counts)
    types: dict[str, Counts] = field(default_factory=dict)
    refusals: Counter[str] = field(default_factory=Counter)
    policies: Counter[str] = field(default_factory=Counter)
    changed_roles: Counter[str] = field(default_factory=Counter)
    held: int = 0
    assumed: int = 0
    packages: dict[str, TriedPackage] = field(default_factory=dict)

    def add_obstacle(self, package: TriedPackage, obstacle: Obstacle) -> None:
        package.obstacle = obstacle
        self.packages[package.decision_package_id] = package
        for counts in self._counts(package.action_type):
            counts.packages += 1
            counts.obstacles[obstacle] += 1

    def add(self, package: TriedPackage, replay: Replay, old: Policy, new: Policy) -> None:
        """Count a replayed package: what was asked of it then, and what the new policy asks."""
        before, after = replay.before, replay.after
        shift = compare_answers(before, after, old, new)
        then, now = Asking.of(PolicyAnswer(before)), Asking.of(after)
        package.shift, package.then, package.new = shift, then, now
        self.packages[package.decision_package_id] = package
        for counts in self._counts(package.action_type):
            counts.packages += 1
            counts.then[then.involvement] += 1
            counts.new[now.involvement] += 1
            counts.shifts[shift] += 1
        self.moves[then, now] += 1
        self.policies[old.full_version] += 1
        self.assumed += replay.assumes_clicks
        self.held += replay.held
        if after.refused:
            self.refusals[after.refused.value] += 1
        if after.state and now.role:
            self.changed_roles.update(_roles_with_others(after.state, old, new))

    def follow(self, package_id: str, event: Event) -> None:
        """Note what came of a package of the period."""
        if package := self.packages.get(package_id):
            package.follow(event)

    @property
    def endings(self) -> Counter[Ending]:
        """How far the packages got that became laxer and left no trace."""
        untouched = (package for package in self.packages.values() if package.is_laxer and not package.traces)
        return Counter(package.ending for package in untouched)

    @property
    def went_wrong(self) -> dict[str, WentWrong]:
        """By action type."""
        by_type: dict[str, WentWrong] = {}
        for package in self.packages.values():
            if package.went_wrong:
                by_type.setdefault(normalize_name(package.action_type), WentWrong()).add(package)
        return by_type

    def evidence(self, group: EvidenceGroup) -> list[TriedPackage]:
        """The packages of this group, the gravest first, then the latest."""
        order = list(Trace)
        listed = [package for package in self.packages.values() if package.group is group]
        listed.sort(key=lambda package: package.submitted_at, reverse=True)
        return sorted(listed, key=lambda package: order.index(package.traces_by_gravity[0]))

    def _counts(self, action_type: str) -> tuple[Counts, Counts]:
        return self.total, self.types.setdefault(normalize_name(action_type), Counts())


def _roles_with_others(state: PackageState, old: Policy, new: Policy) -> list[str]:
    return [role for role in asked_roles(state) if authority_in(old, role) != authority_in(new, role)]
