"""Ordered scales: risk, level of human involvement, reversibility.

The members of a scale are written from least to most strict and compare in that order, so the strictest of several is
their `max`. They are strings in JSON, TOML and the database.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

from rules.string_enum import StringEnum


class Scale(StringEnum):
    """A string enum whose members compare by the order in which they are written."""

    @cached_property
    def rank(self) -> int:
        return list(type(self)).index(self)

    def __lt__(self, other: Any) -> bool:
        return self.rank < self._check_scale(other).rank

    def __le__(self, other: Any) -> bool:
        return self.rank <= self._check_scale(other).rank

    def __gt__(self, other: Any) -> bool:
        return self.rank > self._check_scale(other).rank

    def __ge__(self, other: Any) -> bool:
        return self.rank >= self._check_scale(other).rank

    def _check_scale(self, other: Any) -> Scale:
        # Without this check, "high" < "low" would silently compare alphabetically.
        if type(other) is not type(self):
            raise TypeError(f"cannot compare {type(self).__name__} with {other!r}")
        return other


class RiskLevel(Scale):
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class HITLLevel(Scale):
    """How much a human in the loop does: from nothing, or being told of it afterwards, to doing all of it."""

    FULL_AUTO = "full_auto"
    NOTIFY_ONLY = "notify_only"
    SOFT_APPROVAL = "soft_approval"
    HARD_APPROVAL = "hard_approval"
    HUMAN_TAKEOVER = "human_takeover"


class Reversibility(Scale):
    REVERSIBLE = "reversible"
    PARTIALLY_REVERSIBLE = "partially_reversible"
    IRREVERSIBLE_LOW = "irreversible_low"
    IRREVERSIBLE_HIGH = "irreversible_high"

    @property
    def irreversible(self) -> bool:
        return self >= Reversibility.IRREVERSIBLE_LOW
