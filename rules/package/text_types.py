"""Texts as others may write them: printable, visible, or fitting a pattern; each refused in words.

Beside each check stands the pattern by which the JSON schema states it, in a dialect that all readers share.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from pydantic_core import PydanticCustomError, core_schema

from rules.canonical import CONTROL

_UNSEEN = re.compile(f"{CONTROL.pattern}|[\ud800-\udfff]")
_SEEN = r"[^\x00-\x08\x0b\x0c\x0e-\x1f]*"
# White space, control and format characters, fillers and tags: what a text may hold and not consist of.
_BLANK = (
    r"\s\x00-\x1f\x7f-\xa0\xad\u061c\u115f\u1160\u180e\u200b-\u200f\u2028-\u202f\u205f-\u206f\u2800\u3164"
    r"\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb" + "\U000e0000-\U000e0fff"
)
_NOT_BLANK = re.compile(f"[^{_BLANK}]")


@dataclass(frozen=True)
class CheckedText:
    check: Callable[[str], str]
    pattern: str

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> core_schema.CoreSchema:
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(self, schema: core_schema.CoreSchema, handler: Any) -> dict[str, Any]:
        return {**handler(schema), "pattern": self.pattern}


def check_printable(text: str) -> str:
    # What a reviewer cannot see must not be in what the reviewer approves; and PostgreSQL stores no NUL.
    if _UNSEEN.search(text):
        raise PydanticCustomError("unprintable", "must not contain a control character or half of a surrogate pair")
    return text


def check_visible(text: str) -> str:
    if not _NOT_BLANK.search(text):
        raise PydanticCustomError("blank", "must not be empty or only white space")
    return check_printable(text)


PRINTABLE = CheckedText(check_printable, f"^{_SEEN}$")
VISIBLE = CheckedText(check_visible, f"^{_SEEN}[^{_BLANK}]{_SEEN}$")


def text_matching(pattern: str, sentence: str) -> CheckedText:
    """A pattern that is the same in both dialects."""
    return CheckedText(partial(_fitting, pattern=pattern, sentence=sentence), f"^({pattern})$")


def _fitting(text: str, pattern: str, sentence: str) -> str:
    if re.fullmatch(pattern, text):
        return text
    raise PydanticCustomError("pattern", "{sentence}", {"sentence": sentence})
