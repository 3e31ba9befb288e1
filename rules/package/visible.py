"""Which characters a reader can see; the others are spelled out, so that nothing in an exact text goes unseen."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from json import dumps

_OTHER = re.compile(r"[^\n -~]")  # all but the visible part of ASCII
_MARKS = r"[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]"
TOWERS = re.compile(f"({_MARKS}{{4}})({_MARKS}+)")  # of accents, that would reach over the lines above and below
_JOINERS = "\u200c\u200d"  # several scripts, and most composed emoji, cannot be written without them
_BLANKS = "\u115f\u1160\u2800\u3164\uffa0"  # letters and symbols that draw nothing
# They draw nothing of their own. Prose needs them for its scripts and emoji; an exact text spells them out.
_JOINING = re.compile("[\u034f\u180b-\u180d\u200c\u200d\ufe00-\ufe0f\U000e0100-\U000e01ef]")


def is_visible(character: str) -> bool:
    """Whether prose may keep it."""
    if character in "\n\t" or character in _JOINERS:
        return True
    return unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Co", "Cn") and character not in _BLANKS


def escape_invisible(text: str) -> str:
    """The text, with an escape in place of every character that a reader could not see."""
    seen = _OTHER.sub(lambda found: _spelled(found[0]), text)
    return seen if seen.isascii() else TOWERS.sub(lambda found: found[1] + dumps(found[2])[1:-1], seen)


@lru_cache(maxsize=4096)
def _spelled(character: str) -> str:
    seen = is_visible(character) and not character.isspace() and not _JOINING.match(character)
    return character if seen else dumps(character)[1:-1]
