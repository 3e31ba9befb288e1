"""The changed settings of a policy that no replay can try."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rules.policy.model import Policy

_Path = tuple[str, ...]

# A replay, or the comparison with today's people, depends on these. A new setting is untried until it is named here.
_TIER = ("level", "role", "quorum", "of_role", "comment_required", "details_first", "soft_timeout", "needs")
_ACTION = ("reversibility", "risk", "floor", "role", "data_classes", "tool", "look", "soft_timeout")
_ROLE = ("members", "groups", "includes", "scopes", "max_risk")
_TRIED: tuple[_Path, ...] = (
    ("version",),
    *(("roles", "*", name) for name in _ROLE),
    *(("tiers", "*", name) for name in _TIER),
    *(("actions", "*", name) for name in _ACTION),
    ("reversibility",),
    ("confidence",),
    ("matrix",),
    ("autonomy", "start"),
    ("kinds",),
    ("soft", "enabled"),
    ("windows", "rejection"),
    ("windows", "same_digest"),
    ("directory",),
)


def untried_changes(old: Policy, new: Policy) -> set[str]:
    """The settings that differ and that a replay does not try, as a policy file names them."""
    then, now = (dict(_settings(policy.model_dump(mode="json"))) for policy in (old, new))
    changed = (path for path in {**then, **now} if then.get(path) != now.get(path))
    return {".".join(path) for path in changed if not any(_reaches(tried, path) for tried in _TRIED)}


def _settings(table: dict[str, Any], path: _Path = ()) -> Iterator[tuple[_Path, Any]]:
    for name, value in table.items():
        if isinstance(value, dict) and value:
            yield from _settings(value, (*path, name))
        elif value not in (None, {}):
            yield (*path, name), value


def _reaches(tried: _Path, path: _Path) -> bool:
    return len(tried) <= len(path) and all(part in ("*", own) for part, own in zip(tried, path, strict=False))
