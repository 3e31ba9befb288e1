"""Reads JSON that a person typed, and says in plain words what is wrong and where."""

from __future__ import annotations

from json import JSONDecodeError
from typing import Any

from rules.canonical import NotCanonicalError, canonical_json_strict
from rules.package.fields import MAX_OBJECT_DEPTH
from rules.record.evidence import parse_strict_json

# By the beginning of the parser's message.
_SENTENCES = {
    "Expecting value": "a value is missing, or a text has no double quotes around it",
    "Expecting property name": "a name in double quotes is missing",
    "Expecting ':'": "a colon is missing after the name",
    "Expecting ','": "a comma or a closing bracket is missing",
    "Unterminated string": "a text has no double quotes at its end",
    "Invalid control character": "inside a text, write a line break as \\n and a tab as \\t",
    "Invalid \\": "write a backslash as \\\\",
    "Extra data": "there is something after the end of the value",
    "Illegal trailing comma": "there is a comma before the closing bracket",
}


class UnreadableError(ValueError):
    """What was entered cannot be used. The text is a sentence for the person who entered it."""


def read_json(text: str) -> Any:
    """The value, or `UnreadableError`."""
    try:
        value = parse_strict_json(text)
        canonical_json_strict(value, max_depth=MAX_OBJECT_DEPTH)
    except JSONDecodeError as fault:
        where = f"Line {fault.lineno}, character {fault.colno}"
        raise UnreadableError(f"{where}: {_sentence_of(fault.msg)}.") from None
    except NotCanonicalError as fault:
        raise UnreadableError(f"This value cannot be used: {fault}.") from None
    except ValueError as fault:  # a name that appears twice, nesting that is too deep, thousands of digits
        raise UnreadableError(_other_sentence(str(fault))) from None
    return value


def read_json_object(text: str) -> dict[str, Any]:
    """The object, or `UnreadableError`."""
    value = read_json(text)
    if not isinstance(value, dict):
        raise UnreadableError("This must be a JSON object, in braces.")
    return value


def _sentence_of(message: str) -> str:
    known = (sentence for begin, sentence in _SENTENCES.items() if message.startswith(begin))
    return next(known, "this is not JSON")


def _other_sentence(message: str) -> str:
    if "appears twice" in message:
        return f"This value cannot be used: {message}."
    return "This value cannot be used: the nesting is too deep, or a number is too long."
