"""Which characters are visible, and how the others are escaped in texts that must be exact."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from json import dumps

_OTHER = re.compile(r"[^\n -~]")  # everything but the visible part of ASCII
_MARKS = r"[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]"
TOWERS = re.compile(f"({_MARKS}{{4}})({_MARKS}+)")  # stacked accents, which would cover the lines above and below
_JOINERS = "\u200c\u200d"  # several scripts and most composed emoji need them
_BLANKS = "\u115f\u1160\u2800\u3164\uffa0"  # letters and symbols without a glyph
# Without a glyph, they change how their neighbours look. Scripts and emoji in prose need them; exact texts escape them.
_MODIFIERS = re.compile("[\u034f\u180b-\u180d\u200c\u200d\ufe00-\ufe0f\U000e0100-\U000e01ef]")


def is_visible(character: str) -> bool:
    """Whether prose may contain this character unescaped."""
    if character in "\n\t" or character in _JOINERS:
        return True
    return unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Co", "Cn") and character not in _BLANKS


def escape_invisible(text: str) -> str:
    """The text with an escape in place of every character that a reader could not see."""
    visible = _OTHER.sub(lambda match: _escape_character(match[0]), text)
    return visible if visible.isascii() else TOWERS.sub(lambda match: match[1] + dumps(match[2])[1:-1], visible)


def visible_form(text: str) -> str:
    """What a reader sees of a text: two texts that look the same have the same form."""
    return unicodedata.normalize("NFC", _MODIFIERS.sub("", text))


@lru_cache(maxsize=4096)
def _escape_character(character: str) -> str:
    visible = is_visible(character) and not character.isspace() and not _MODIFIERS.match(character)
    return character if visible else dumps(character)[1:-1]
