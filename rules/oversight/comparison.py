"""`Comparison`: what packages were asked then, and what another policy asks of them.

Each package counts once, by its first version as it was submitted. What became laxer is kept with what came of the
package later: that is the evidence on which a policy is changed.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from rules.oversight.outcomes import REVIEW_ENDS, is_incident
from rules.oversight.replay import Answer, Obstacle, Replay
from rules.policy.model import Policy
from rules.record.chain import Event
from rules.scales import HITLLevel
from rules.spelling import normalize_name
from rules.state.commands import HumanDecisionType, Verdict
from rules.state.events import EventType
from rules.state.model import PackageState, Terms
from rules.state.terms import tighten

_D, _E = HumanDecisionType, EventType


class Involvement(StrEnum):
    """How people are involved. `asked`: someone must approve or take over. `soft`: silence counts as consent."""

    ASKED = "asked"
    SOFT = "soft"
    SPARED = "spared"
    REFUSED = "refused"


def involvement_of(level: HITLLevel) -> Involvement:
    if level > HITLLevel.SOFT_APPROVAL:
        return Involvement.ASKED
    return Involvement.SOFT if level is HITLLevel.SOFT_APPROVAL else Involvement.SPARED


class Trace(StrEnum):
    """What went wrong with a package, or how people kept it from going ahead as it was. The gravest comes first."""

    FAILED = "failed"
    ROLLED_BACK = "rolled back"
    REVOKED = "revoked"
    UNSOUND = "judged unsound"
    REJECTED = "rejected"
    TAKEN_OVER = "taken over"
    OBJECTED = "objected to"
    EDITED = "edited"
    SENT_BACK = "sent back"


_INCIDENTS = {
    _E.EXECUTION_FAILED: Trace.FAILED,
    _E.EXECUTION_ROLLED_BACK: Trace.ROLLED_BACK,
    _E.PACKAGE_REVOKED: Trace.REVOKED,
}
_BY_PEOPLE = {
    _D.REJECT: Trace.REJECTED,
    _D.TAKE_OVER: Trace.TAKEN_OVER,
    _D.OBJECT: Trace.OBJECTED,
    _D.APPROVE_WITH_EDITS: Trace.EDITED,
    _D.REVISE: Trace.SENT_BACK,
    _D.REQUEST_MORE_EVIDENCE: Trace.SENT_BACK,
}


def trace_in(event: Event) -> Trace | None:
    """The trace that this event leaves. Events of other releases may have other types."""
    kind, actor = event["event_type"], event["actor"]
    if is_incident(kind, actor):
        return _INCIDENTS[kind]
    if kind == _E.REVIEW_JUDGED:
        return Trace.UNSOUND if event["outcome"] == Verdict.UNSOUND else None
    return _BY_PEOPLE.get(event["decision"]) if kind == _E.HUMAN_DECISION_RECORDED else None


class Shift(StrEnum):
    LAXER = "laxer"
    STRICTER = "stricter"
    OTHER = "other"  # another role, of which neither includes the other
    SAME = "same"


def compare_answers(before: PackageState, after: Answer, old: Policy, new: Policy) -> Shift:
    """Compares first the level, then how many people, in which role, who must say or read how much."""
    if after.state is None:
        return Shift.STRICTER
    if after.state.level is not before.level:
        return Shift.LAXER if after.state.level < before.level else Shift.STRICTER
    if involvement_of(before.level) is Involvement.SPARED or after.state.terms == before.terms:
        return Shift.SAME
    return _compare_terms(before.terms, after.state.terms, old, new, soft=before.soft)


def _compare_terms(then: Terms, now: Terms, old: Policy, new: Policy, *, soft: bool) -> Shift:
    if now.role in old.roles_implied_by(then.role) - {then.role} or _drops(then, now, new, soft=soft):
        return Shift.LAXER
    if then.role in new.roles_implied_by(now.role) - {now.role} or _drops(now, then, new, soft=soft):
        return Shift.STRICTER
    return Shift.SAME if now.role == then.role else Shift.OTHER


def _drops(first: Terms, second: Terms, policy: Policy, *, soft: bool) -> bool:
    """Whether the second terms no longer require something that the first ones did."""
    both = tighten(first, second, 0, policy)
    names = ("quorum", "of_role", "comment_required", "details_first", *(["soft_timeout"] if soft else []))
    return any(getattr(both, name) != getattr(second, name) for name in names)


class Asking(NamedTuple):
    """How much a policy asks of people about one package."""

    involvement: Involvement
    level: HITLLevel | None = None
    role: str | None = None
    quorum: int = 0

    @classmethod
    def of(cls, answer: Answer) -> Asking:
        state = answer.state
        if state is None:
            return cls(Involvement.REFUSED)
        involvement = involvement_of(state.level)
        if involvement is Involvement.SPARED:
            return cls(involvement, state.level)
        return cls(involvement, state.level, state.terms.role, state.terms.quorum)


class Suspect(NamedTuple):
    """A package that became laxer. `event_id`: where its text is stored."""

    decision_package_id: str
    event_id: str
    action_type: str
    submitted_at: datetime
    then: Asking
    new: Asking


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
class Comparison:
    """`moves`: how much was asked then and now. `policies`: how many packages came in under each.

    `held`: packages that the new policy asks about only because the same action was asked about before. `assumed`:
    packages that would be soft if clicks could be proven then, which is not known. `suspects`: packages that became
    laxer, with the `traces` that they left. `ended`: those of them whose review has ended.
    """

    moves: Counter[tuple[Asking, Asking]] = field(default_factory=Counter)
    total: Counts = field(default_factory=Counts)
    types: dict[str, Counts] = field(default_factory=dict)
    refusals: Counter[str] = field(default_factory=Counter)
    policies: Counter[str] = field(default_factory=Counter)
    held: int = 0
    assumed: int = 0
    suspects: dict[str, Suspect] = field(default_factory=dict)
    traces: dict[str, set[Trace]] = field(default_factory=dict)
    ended: set[str] = field(default_factory=set)

    def add_obstacle(self, action_type: str, obstacle: Obstacle) -> None:
        for counts in self._counts(action_type):
            counts.packages += 1
            counts.obstacles[obstacle] += 1

    def add(self, replay: Replay, old: Policy, new: Policy) -> None:
        before, after = replay.before, replay.after
        shift = compare_answers(before, after, old, new)
        then, now = Asking.of(Answer(before)), Asking.of(after)
        for counts in self._counts(before.action_type):
            counts.packages += 1
            counts.then[then.involvement] += 1
            counts.new[now.involvement] += 1
            counts.shifts[shift] += 1
        self.moves[then, now] += 1
        self.policies[old.full_version] += 1
        self.assumed += replay.assumes_clicks
        self.held += after.state is not None and _held_by_earlier(after.state)
        if after.refused:
            self.refusals[after.refused.value] += 1
        if shift is Shift.LAXER:
            package_id = before.decision_package_id
            self.suspects[package_id] = Suspect(
                package_id, before.version_event_id, before.action_type, before.created_at, then, now
            )

    def follow(self, package_id: str, event: Event) -> None:
        """Note what came of a package that became laxer."""
        if package_id not in self.suspects:
            return
        if event["event_type"] in REVIEW_ENDS:
            self.ended.add(package_id)
        if trace := trace_in(event):
            self.traces.setdefault(package_id, set()).add(trace)

    @property
    def waiting(self) -> int:
        """How many of the packages that became laxer still wait for people, without a trace so far."""
        return len(self.suspects.keys() - self.ended - self.traces.keys())

    @property
    def evidence(self) -> list[tuple[Suspect, list[Trace]]]:
        """The packages that became laxer and left a trace, the gravest first, then the latest."""
        order = list(Trace)
        listed = [
            (self.suspects[package_id], sorted(traces, key=order.index)) for package_id, traces in self.traces.items()
        ]
        listed.sort(key=lambda entry: entry[0].submitted_at, reverse=True)
        return sorted(listed, key=lambda entry: order.index(entry[1][0]))

    def _counts(self, action_type: str) -> tuple[Counts, Counts]:
        return self.total, self.types.setdefault(normalize_name(action_type), Counts())


def _held_by_earlier(state: PackageState) -> bool:
    strictest = {why.rule for why in state.why if why.level is state.level}
    return strictest == {"never-falls"}
