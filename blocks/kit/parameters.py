"""Exact values as JSON in which every character is visible: invisible characters are written as escapes.

Prose is cleaned of invisible characters. What an approval releases must not be cleaned: it is shown as it will run.
"""

from __future__ import annotations

from collections.abc import Iterator
from json import dumps
from typing import Any

from blocks.kit.limits import TEXT
from rules.visible import escape_invisible


def exact_json(value: Any) -> str:
    """Indented JSON, which parses to the same value."""
    return escape_invisible(dumps(value, indent=2, ensure_ascii=False))


def exact_json_line(value: Any) -> str:
    return escape_invisible(dumps(value, ensure_ascii=False))


def compact_json(value: Any) -> str:
    """JSON without optional spaces."""
    return escape_invisible(dumps(value, ensure_ascii=False, separators=(",", ":")))


def pieces(text: str, limit: int = TEXT) -> Iterator[str]:
    """The text in pieces, cut at the end of a line or word if one ends in the second half of a piece."""
    begin = 0
    while len(text) - begin > limit:
        end = _end_of(text, begin + limit // 2, begin + limit)
        yield text[begin:end]
        begin = end
    yield text[begin:]


def _end_of(text: str, least: int, limit: int) -> int:
    return text.rfind("\n", least, limit) + 1 or text.rfind(" ", least, limit) + 1 or limit
