"""Reads a policy from TOML, or raises a `PolicyError` that lists every fault in the words of the file.

Pydantic finds the faults but describes them for programmers. Here each one becomes a line with the key and the value as
written in the file, and a sentence that says what is allowed.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from datetime import date, time
from difflib import get_close_matches
from enum import StrEnum
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from rules.policy.model import Policy
from rules.values import CrossFieldError, Value

Place = tuple[int | str, ...]


class Fault(Value):
    """One fault: the key (empty for the whole file), the value that is written there, and what is allowed."""

    key: str = ""
    value: str | None = None
    sentence: str

    def __str__(self) -> str:
        where = self.key if self.value is None else f"{self.key} = {self.value}"
        return f"{where}: {self.sentence}" if where else self.sentence


class PolicyError(Exception):
    """The text is not a valid policy. Lists all faults, one on each line."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        super().__init__(faults)
        self.faults = faults

    def __str__(self) -> str:
        return "\n".join(map(str, self.faults))


def read_policy(text: str | bytes) -> Policy:
    """Parse and validate the text of a policy."""
    raw = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    document = _parse_toml(_decode(raw))
    # `digest` is a field of the policy but not a key of the file: it is computed from the content.
    unknown = (_make_fault(("digest",), _unknown_key(("digest",)), document),) if "digest" in document else ()
    try:
        policy = Policy.model_validate({**document, "digest": ""})
    except ValidationError as error:
        raise PolicyError((*unknown, *_faults(error, document))) from None
    if unknown:
        raise PolicyError(unknown)
    return policy


# From bytes to tables.


def _decode(raw: bytes) -> str:
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise _file_error(f"line {line}: this is not UTF-8; save the file as UTF-8") from None
    if (nul := text.find("\0")) >= 0:
        raise _file_error(f"{_position(text, nul)}: a NUL character; a policy is a text file")
    return text.removeprefix("\ufeff")  # some editors write a byte order mark, which TOML does not allow


def _parse_toml(text: str) -> dict[str, Any]:
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _file_error(_syntax_sentence(str(error), text)) from None
    except RecursionError:
        raise _file_error("lists or tables are nested too deep") from None
    except ValueError:  # tomllib does not catch Python's limit on the digits of an integer
        raise _file_error("a number has thousands of digits") from None
    if not document:
        raise _file_error("the policy is empty; start from the policy.toml that Countersign comes with")
    return document


def _file_error(sentence: str) -> PolicyError:
    return PolicyError((Fault(sentence=sentence),))


def _position(text: str, offset: int) -> str:
    line_start = text.rfind("\n", 0, offset) + 1
    return f"line {text.count(chr(10), 0, offset) + 1}, column {offset - line_start + 1}"


_WHERE = re.compile(r" \(at (?:(line \d+, column \d+)|end of document)\)$")
_HINTS = {"Invalid value": "; text stands in quotes", "Cannot overwrite a value": "; this key is written twice"}


def _syntax_sentence(message: str, text: str) -> str:
    match = _WHERE.search(message)
    where = (match and match[1]) or _position(text, len(text))
    sentence_end = _WHERE.sub("", message)
    return f"{where}: {sentence_end}{_HINTS.get(sentence_end, '')}"


# From pydantic's errors to faults.


def _faults(error: ValidationError, document: dict[str, Any]) -> Iterator[Fault]:
    for details in error.errors(include_url=False):
        cause = details.get("ctx", {}).get("error")
        if isinstance(cause, CrossFieldError):
            for place, sentence in cause.faults:
                yield _make_fault((*details["loc"], *place), sentence, document, or_default=bool(place))
        else:
            yield _make_fault(details["loc"], _sentence(details), document)


_ABSENT = object()


def _make_fault(place: Place, sentence: str, document: dict[str, Any], *, or_default: bool = False) -> Fault:
    value = _look_up(document, place)
    if value is _ABSENT and place[-1] == "[key]":  # pydantic's mark for a fault of the key itself
        return Fault(key=_dotted_key(place[:-1]), sentence=sentence)
    if value is _ABSENT and or_default:
        sentence += " (it is not written, so the default stands)"
    return Fault(key=_dotted_key(place), value=_toml_value(value), sentence=sentence)


def _look_up(document: Any, place: Place) -> Any:
    for step in place:
        try:
            document = document[step]
        except (LookupError, TypeError):
            return _ABSENT
    return document


def _dotted_key(place: Place) -> str:
    return ".".join(str(step) if re.fullmatch(r"[A-Za-z0-9_-]+", str(step)) else _quote(str(step)) for step in place)


def _quote(text: str) -> str:
    return _shorten(json.dumps(text, ensure_ascii=not text.isprintable()))


def _shorten(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:59]}…"  # noqa: PLR2004


def _toml_value(value: Any) -> str | None:
    """The value as TOML, if it fits on one line; None for a table, which is named by its key alone."""
    match value:
        case str():
            return _quote(value)
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value) if abs(value) < 10**60 or not isinstance(value, int) else "an enormous number"
        case date() | time():
            return value.isoformat()
        case list() if not any(isinstance(item, list | dict) for item in value):
            return _shorten(f"[{', '.join(str(_toml_value(item)) for item in value)}]")
    return None


_LIMITS = {
    "greater_than_equal": "must be at least {ge:g}",
    "less_than_equal": "must be at most {le:g}",
    "finite_number": "must be a finite number",
    "string_too_long": "must be at most {max_length} characters",
}

# By the first word of pydantic's error type, such as `int_parsing` or `int_from_float`.
_KINDS = {
    "string": "must be text in quotes",
    "int": "must be a whole number",
    "float": "must be a number",
    "bool": "must be true or false",
    "tuple": "must be a list, in [ ]",
    "dict": "must be a table of keys and values",
    "model": "must be a table of keys and values",
}


def _sentence(details: ErrorDetails) -> str:
    context = details.get("ctx", {})
    match details["type"]:
        case "missing":
            return "is missing" + _choices_hint(details["loc"])
        case "extra_forbidden":
            return _unknown_key(details["loc"])
        case "enum" | "literal_error":
            return "must be one of: " + ", ".join(re.findall("'([^']+)'", context["expected"]))
        case "value_error":
            return str(context["error"])
        case kind:
            known = _LIMITS.get(kind) or _KINDS.get(kind.split("_")[0])
            return known.format(**context) if known else details["msg"]


def _choices_hint(place: Place) -> str:
    kind = _type_at(place)
    choices = list(kind) if isinstance(kind, type) and issubclass(kind, StrEnum) else []
    return f"; write one of: {', '.join(choices)}" if choices else ""


def _unknown_key(place: Place) -> str:
    fields = _type_at(place[:-1]).model_fields.items()
    allowed = [name for name, field in fields if not field.exclude]
    close = get_close_matches(str(place[-1]), allowed, n=1, cutoff=0.55)
    hint = f"did you mean {close[0]}? " if close else ""
    return f"unknown key; {hint}allowed here: {', '.join(allowed)}"


def _type_at(place: Place) -> Any:
    """The type of the field at this place, by the models of the policy."""
    kind: Any = Policy
    for step in place:
        is_model = isinstance(kind, type) and issubclass(kind, BaseModel)
        kind = kind.model_fields[step].annotation if is_model else get_args(kind)[-1]
        kind = get_args(kind)[0] if type(None) in get_args(kind) else kind
    return kind
