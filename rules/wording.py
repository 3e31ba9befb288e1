"""How people read names, lists, shares and durations: `senior_reviewer` becomes "senior reviewer"."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta


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


_UNITS = (("day", 86_400_000), ("hour", 3_600_000), ("minute", 60_000), ("second", 1000), ("millisecond", 1))


def spell_duration(span: timedelta) -> str:
    """The exact duration: "1 day 2 hours"."""
    rest, parts = round(span / timedelta(milliseconds=1)), []
    for unit, size in _UNITS:
        count, rest = divmod(rest, size)
        parts += [f"{count} {unit}{'' if count == 1 else 's'}"] if count else []
    return " ".join(parts) or "0 seconds"
