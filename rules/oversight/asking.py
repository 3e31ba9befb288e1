"""`Asking`: how much a policy asks of people about one package, and whether another policy asks less.

`compare_answers` compares with the record. A policy that asks less in any part is laxer. A role that includes the old
one is stricter; if neither role includes the other, the shift is `OTHER`. `Comparison` counts the results.
"""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

from rules.oversight.replay import PolicyAnswer
from rules.policy.model import Policy
from rules.scales import HITLLevel
from rules.state.model import PackageState, Terms
from rules.state.terms import tighten
from rules.string_enum import StringEnum


class Involvement(StringEnum):
    """How people are involved. `asked`: someone must approve or take over. `soft`: silence counts as consent."""

    ASKED = "asked"
    SOFT = "soft"
    SPARED = "spared"
    REFUSED = "refused"


def involvement_of(level: HITLLevel) -> Involvement:
    if level > HITLLevel.SOFT_APPROVAL:
        return Involvement.ASKED
    return Involvement.SOFT if level is HITLLevel.SOFT_APPROVAL else Involvement.SPARED


class Asking(NamedTuple):
    """Has every part of the terms that `compare_answers` compares. `soft_timeout`: only if silence counts."""

    involvement: Involvement
    level: HITLLevel | None = None
    role: str | None = None
    quorum: int = 0
    of_role: tuple[tuple[str, int], ...] = ()
    comment_required: bool = False
    details_first: bool = False
    soft_timeout: timedelta | None = None

    @classmethod
    def of(cls, answer: PolicyAnswer) -> Asking:
        """What an answer asks of people. If nobody is asked, only the level matters."""
        state = answer.state
        if state is None:
            return cls(Involvement.REFUSED)
        involvement, terms = involvement_of(state.level), state.terms
        if involvement is Involvement.SPARED:
            return cls(involvement, state.level)
        return cls(
            involvement,
            state.level,
            terms.role,
            terms.quorum,
            tuple(sorted(terms.of_role.items())),
            terms.comment_required,
            terms.details_first,
            terms.soft_timeout if state.soft else None,
        )


class Shift(StringEnum):
    LAXER = "laxer"
    OTHER = "other"  # another role is asked, and neither role includes the other
    STRICTER = "stricter"
    SAME = "same"


def compare_answers(before: PackageState, after: PolicyAnswer, old: Policy, new: Policy) -> Shift:
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
    if now.role != then.role and then.role not in new.roles_implied_by(now.role):
        return Shift.OTHER
    return Shift.STRICTER if now.role != then.role or _drops(now, then, new, soft=soft) else Shift.SAME


def _drops(first: Terms, second: Terms, policy: Policy, *, soft: bool) -> bool:
    """Whether the second terms no longer require something that the first ones did."""
    both = tighten(first, second, 0, policy)
    names = ("quorum", "of_role", "comment_required", "details_first", *(["soft_timeout"] if soft else []))
    return any(getattr(both, name) != getattr(second, name) for name in names)
