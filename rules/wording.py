"""Names from the policy and from enums, as people read them: `senior_reviewer` becomes "senior reviewer"."""

from __future__ import annotations

from collections.abc import Iterable


def humanize(name: str) -> str:
    return name.replace("_", " ")


def with_article(role: str) -> str:
    """The role with its article: "an owner", "a reviewer"."""
    word = humanize(role)
    return f"{'an' if word[:1] in set('aeiou') else 'a'} {word}"


def either_of(choices: Iterable[str]) -> str:
    """As in "a", "a or b" and "a, b or c"; empty without a choice."""
    *first, last = (*choices,) or ("",)
    return f"{', '.join(first)} or {last}" if first else last


def percent(share: float) -> str:
    """Rounded down: 99.6 % is not 100 %."""
    return f"{int(share * 100 + 1e-9)}%"  # in floating point, 0.29 * 100 is a little less than 29
