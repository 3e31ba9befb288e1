"""Leaves out what the policy's `[feedback] redact` names, in everything that leaves the installation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Path = Sequence[str]

REDACTED = "redacted"


def redact(value: Any, paths: Sequence[Path]) -> Any:
    """The value without what these paths lead to. `*` is every name or place."""
    if value is None or not paths:
        return value
    if any(not path for path in paths):
        return REDACTED
    if isinstance(value, list):
        below = [path[1:] for path in paths if path[0] == "*"]
        return [redact(item, below) for item in value]
    if isinstance(value, dict):
        return {
            name: redact(item, [path[1:] for path in paths if path[0] in ("*", name)]) for name, item in value.items()
        }
    return value
