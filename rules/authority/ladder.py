"""Which roles of the ladder may decide now: the one that is asked, and earlier ones that the ladder keeps.

`today` are the terms by today's policy: it can end what the ladder keeps, but not what it did not keep.
"""

from __future__ import annotations

from rules.state.model import PackageState, Status, Terms
from rules.wording import either_of, with_article


def deciding_rungs(state: PackageState, today: Terms) -> range:
    """The rungs whose roles may decide now, the lowest first."""
    rung, kept_from = state.task.rung, state.task.kept_from
    return range(rung if kept_from is None or not today.ladder_keeps else kept_from, rung + 1)


def ladder_roles(state: PackageState, today: Terms) -> tuple[str, ...]:
    """The roles that may decide now. The one that was asked last comes first."""
    return tuple(dict.fromkeys(state.terms.role_at(rung) for rung in reversed(deciding_rungs(state, today))))


def who_may_decide(state: PackageState, today: Terms) -> str:
    """As in "a senior reviewer or a reviewer": the role that was asked last comes first."""
    return either_of(map(with_article, ladder_roles(state, today)))


def kept_sentence(state: PackageState, today: Terms) -> str:
    """That earlier roles may still decide; empty if they may not."""
    kept = either_of(map(with_article, ladder_roles(state, today)[1:]))
    return f"{kept[:1].upper()}{kept[1:]} may still decide." if kept and state.status is Status.PENDING else ""
