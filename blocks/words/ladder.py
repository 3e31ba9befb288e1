"""Who may decide now, in words: the role that is asked, and earlier roles that the ladder keeps."""

from __future__ import annotations

from rules.state.model import PackageState, Status
from rules.wording import with_article


def who_may_decide(state: PackageState) -> str:
    """The newest role first: "a senior reviewer or a reviewer"."""
    return _either([state.task.required_role, *_kept(state)])


def kept_sentence(state: PackageState) -> str:
    """That earlier roles may still decide; empty if they may not."""
    kept = _either(_kept(state))
    return f"{kept[:1].upper()}{kept[1:]} may still decide." if kept else ""


def _either(roles: list[str]) -> str:
    return " or ".join(map(with_article, roles))


def _kept(state: PackageState) -> list[str]:
    if state.status is not Status.PENDING:
        return []
    return [state.terms.role_at(rung) for rung in reversed(state.task.deciding_rungs) if rung != state.task.rung]
