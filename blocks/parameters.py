"""Exact values, written so that every character can be seen: what draws nothing is spelled out.

Prose is cleaned of what deceives. What an approval releases must not be: it is shown as it will run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from json import dumps
from typing import Any

from blocks.limits import TEXT
from blocks.text import clean

_PLAIN = r"\n -~"  # all of ASCII that can be seen
_OTHER = re.compile(f"[^{_PLAIN}]")
# They draw nothing of their own, and `clean` leaves them to prose, whose scripts and emoji need them.
_JOINING = re.compile("[\u034f\u180b-\u180d\u200c\u200d\ufe00-\ufe0f\U000e0100-\U000e01ef]")


def exactly(value: Any) -> str:
    """JSON which reads back to the very same value."""
    return spelled(dumps(value, indent=2, ensure_ascii=False))


def exactly_in_line(value: Any) -> str:
    return spelled(dumps(value, ensure_ascii=False))


def tightly(value: Any) -> str:
    """With no character more than it takes."""
    return spelled(dumps(value, ensure_ascii=False, separators=(",", ":")))


def spelled(text: str) -> str:
    """With an escape in place of every character that a reader could not see."""
    return _OTHER.sub(lambda found: _spelled(found[0]), text)


@lru_cache(maxsize=4096)
def _spelled(character: str) -> str:
    seen = clean(character) and not _JOINING.match(character)
    return character if seen else dumps(character)[1:-1]


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
