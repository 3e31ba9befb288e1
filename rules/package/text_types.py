"""Checks for texts in packages: printable, not blank, or matching a pattern; each with a sentence for mistakes.

Each check also has a pattern for the JSON schema, in a dialect that all schema readers understand.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from pydantic_core import PydanticCustomError, core_schema

from rules.canonical import UNPRINTABLE

_NO_CONTROLS = r"[^\x00-\x08\x0b\x0c\x0e-\x1f]*"
# White space, control and format characters, fillers and tags: a text may contain them but not only them.
_BLANK = (
    r"\s\x00-\x1f\x7f-\xa0\xad\u061c\u115f\u1160\u180e\u200b-\u200f\u2028-\u202f\u205f-\u206f\u2800\u3164"
    r"\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb" + "\U000e0000-\U000e0fff"
)
_NOT_BLANK = re.compile(f"[^{_BLANK}]")


@dataclass(frozen=True)
class CheckedText:
    """A check that raises or returns the text, and what the JSON schema can say of it."""

    check: Callable[[str], str]
    pattern: str

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> core_schema.CoreSchema:
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(self, schema: core_schema.CoreSchema, handler: Any) -> dict[str, Any]:
        return {**handler(schema), "pattern": self.pattern}


def check_printable(text: str) -> str:
    # A reviewer must not approve what they cannot see, and PostgreSQL cannot store NUL.
    if UNPRINTABLE.search(text):
        raise PydanticCustomError("unprintable", "must not contain a control character or half of a surrogate pair")
    return text


def check_visible(text: str) -> str:
    if not _NOT_BLANK.search(text):
        raise PydanticCustomError("blank", "must not be empty or only white space")
    return check_printable(text)


PRINTABLE = CheckedText(check_printable, f"^{_NO_CONTROLS}$")
VISIBLE = CheckedText(check_visible, f"^{_NO_CONTROLS}[^{_BLANK}]{_NO_CONTROLS}$")


def text_matching(pattern: str, sentence: str) -> CheckedText:
    """A check for a pattern that Python and the JSON schema read alike."""
    return CheckedText(partial(_match_pattern, pattern=pattern, sentence=sentence), f"^({pattern})$")


def _match_pattern(text: str, pattern: str, sentence: str) -> str:
    if re.fullmatch(pattern, text):
        return text
    raise PydanticCustomError("pattern", "{sentence}", {"sentence": sentence})
