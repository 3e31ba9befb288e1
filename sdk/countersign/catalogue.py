"""What the service's policy asks for an action type, read without the service. Never laxer than the service.

An action needs a person if the service does not let its mildest package go ahead: one with no more risk than the policy
names, full confidence, and an agent that has earned nothing yet. Where the service takes the strictest entry that
applies, each of them counts here. A value that is not known here needs a person too.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

Table = Mapping[str, Any]
Entries = tuple[tuple[str, Table], ...]

_HARD, _SOFT, _AUTO = "hard_approval", "soft_approval", "full_auto"
_SILENT = frozenset([_AUTO, "notify_only"])
_REVERSIBLE = frozenset(["reversible", "partially_reversible"])
# The service's defaults, for a policy file that leaves them out. What is missing here needs a person.
_BY_REVERSIBILITY = {"reversible": _AUTO, "partially_reversible": "notify_only", "irreversible_low": _SOFT}
_BY_RISK = {"low": _AUTO, "medium": _SOFT}
_SENSITIVE = ("financial", "pii", "personal", "regulated")


class Catalogue:
    """The entries of a policy by action type or pattern, and the tables that they are judged by."""

    def __init__(self, entries: Iterable[tuple[str, Table]], policy: Table, *, unlisted_needs_person: bool) -> None:
        self._entries = tuple((normalize_type(pattern), entry) for pattern, entry in entries)
        self._policy, self._unlisted_needs_person = policy, unlisted_needs_person

    def needs_person(self, action_type: str) -> bool:
        """Whether a person must approve this action, whatever the agent says about it."""
        name = normalize_type(action_type)
        own, broader = _best_matches(self._entries, name), _broader(self._entries, name)
        return (self._unlisted_needs_person and not own) or self._is_grave([*own, *broader])

    def _is_grave(self, entries: list[Table]) -> bool:
        silence_counts = self._policy.get("soft", {}).get("enabled", True) is True
        allowed = _SILENT | {_SOFT} if silence_counts else _SILENT
        return not allowed.issuperset(_levels(self._policy, entries))


def normalize_type(name: str) -> str:
    """The form in which the service compares names: regardless of case, width, invisible letters and extra spaces."""
    visible = "".join(letter for letter in name if unicodedata.category(letter) != "Cf")
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", visible).casefold())
    return " ".join(folded.split())


def _best_matches(entries: Entries, name: str) -> list[Table]:
    """An exact name wins, then the longest pattern that matches; of equally good ones, all."""
    scores = {pattern: (pattern == name, len(pattern)) for pattern, _ in entries if _fits(pattern, name)}
    best = max(scores.values(), default=None)
    return [entry for pattern, entry in entries if pattern in scores and scores[pattern] == best]


def _fits(pattern: str, name: str) -> bool:
    return pattern == name or fnmatchcase(name, pattern)


def _broader(entries: Entries, name: str) -> list[Table]:
    """An entry also covers the names that continue it after a `.` or `:`. It makes them stricter, never milder."""
    prefixes = {name[:place] for place, letter in enumerate(name) if letter in ".:"}
    return [entry for pattern, entry in entries if pattern in prefixes]


def _levels(policy: Table, entries: list[Table]) -> Iterator[str]:
    kinds = policy.get("kinds", {})
    yield from (kinds.get(kind, _AUTO) for kind in ("action", "tool_call"))
    for entry in entries:
        yield from _levels_of_entry(policy, entry)
    yield _level_of_matrix(policy.get("matrix", {}), entries)


def _levels_of_entry(policy: Table, entry: Table) -> Iterator[str]:
    reversibility, risk = entry.get("reversibility", "irreversible_high"), entry.get("risk", "low")
    yield policy.get("reversibility", {}).get(reversibility, _BY_REVERSIBILITY.get(reversibility, _HARD))
    yield policy.get("tiers", {}).get(risk, {}).get("level", _BY_RISK.get(risk, _HARD))
    yield entry.get("floor", _AUTO)
    if "tool" in entry and entry["tool"].get("approval_required", True) is not False:
        yield _HARD
    start = policy.get("autonomy", {}).get("start", _SOFT)
    if (start, reversibility) != (_SOFT, "reversible"):  # to start with it says nothing about a reversible action
        yield start


def _level_of_matrix(matrix: Table, entries: list[Table]) -> str:
    """The entries count together: one may be irreversible, and another name the data."""
    if all(entry.get("reversibility") in _REVERSIBLE for entry in entries):
        return _SOFT if matrix.get("reversible_auto_above", 0) >= 1 else _AUTO
    data_classes = {name for entry in entries for name in entry.get("data_classes", ())}
    is_sensitive = not data_classes.isdisjoint(matrix.get("sensitive", _SENSITIVE))
    return _HARD if is_sensitive or matrix.get("irreversible_soft_above", 0) >= 1 else _SOFT
