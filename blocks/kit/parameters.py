"""Exact values, written so that every character can be seen: what draws nothing is spelled out.

Prose is cleaned of what deceives. What an approval releases must not be: it is shown as it will run.
"""

from __future__ import annotations

from collections.abc import Iterator
from json import dumps
from typing import Any

from blocks.kit.limits import TEXT
from rules.package.visible import escape_invisible


def exactly(value: Any) -> str:
    """JSON which reads back to the very same value."""
    return escape_invisible(dumps(value, indent=2, ensure_ascii=False))


def exactly_in_line(value: Any) -> str:
    return escape_invisible(dumps(value, ensure_ascii=False))


def tightly(value: Any) -> str:
    """With no character more than it takes."""
    return escape_invisible(dumps(value, ensure_ascii=False, separators=(",", ":")))


def pieces(text: str, most: int = TEXT) -> Iterator[str]:
    """Cut where a line or at least a word ends, if one ends late enough; together they are the whole."""
    begin = 0
    while len(text) - begin > most:
        end = _end_of(text, begin + most // 2, begin + most)
        yield text[begin:end]
        begin = end
    yield text[begin:]


def _end_of(text: str, least: int, most: int) -> int:
    return text.rfind("\n", least, most) + 1 or text.rfind(" ", least, most) + 1 or most
