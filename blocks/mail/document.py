"""A mail before it is drawn: parts of rich text under headings. `plain` and `html` draw the same document."""

from __future__ import annotations

import re
from collections.abc import Iterator
from json import dumps
from typing import NamedTuple

from blocks.kit.elements import Element
from blocks.kit.text import defang_all
from rules.visible import is_visible

_UNUSUAL = re.compile(r"[^\n\t -~]")
_LINE_ENDS = "\u2028\u2029"


class Chapter(NamedTuple):
    """`heading` is empty for the beginning and the end of a mail."""

    heading: str
    parts: tuple[Element, ...]
    is_title: bool = False


def visible_text(run: Element) -> str:
    """The text of a run, without addresses that a mail program would make a link.

    Parts are cleaned where they are made; this also holds for texts that nobody thought of.
    """
    text: str = run["fallback"] if run["type"] == "date" else defang_all(run["text"])
    return _UNUSUAL.sub(lambda match: _spelled(match[0]), text)


def _spelled(character: str) -> str:
    """A line separator could end the line of its frame."""
    visible = is_visible(character) and character not in _LINE_ENDS
    return character if visible else dumps(character)[1:-1]


def items_of(bullets: Element) -> Iterator[list[Element]]:
    """The runs of each item of a list."""
    return (item["elements"] for item in bullets["elements"])
