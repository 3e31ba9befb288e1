"""The policy as text: read so that every fault is named in the file's own words, and summed up for the operator.

Pydantic finds the faults; what it calls them is for programmers. Here each becomes one line with the key as it
stands in the file, the value as written, and a sentence that says what is allowed.
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
    """One thing that is wrong: where (empty for the file as a whole), what is written there, and what is allowed."""

    key: str = ""
    value: str | None = None
    sentence: str

    def __str__(self) -> str:
        where = self.key if self.value is None else f"{self.key} = {self.value}"
        return f"{where}: {self.sentence}" if where else self.sentence


class PolicyError(Exception):
    """The text is no policy; says everything that is wrong with it, a line each."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        super().__init__(faults)
        self.faults = faults

    def __str__(self) -> str:
        return "\n".join(map(str, self.faults))


def read_policy(text: str | bytes) -> Policy:
    """The policy that the text writes down, or a `PolicyError` with all its faults."""
    raw = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    written = _parsed(_decoded(raw))
    # The digest is a field of the policy but not a key of the file: it is computed from the content.
    unknown = (_fault(("digest",), _unknown(("digest",)), written),) if "digest" in written else ()
    try:
        policy = Policy.model_validate({**written, "digest": ""})
    except ValidationError as error:
        raise PolicyError((*unknown, *_faults(error, written))) from None
    if unknown:
        raise PolicyError(unknown)
    return policy


# From bytes to tables.


def _decoded(raw: bytes) -> str:
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise _file_error(f"line {line}: this is not UTF-8; save the file as UTF-8") from None
    if (nul := text.find("\0")) >= 0:
        raise _file_error(f"{_position(text, nul)}: a NUL character; a policy is a text file")
    return text.removeprefix("\ufeff")  # some editors begin UTF-8 with a byte order mark; TOML knows none


def _parsed(text: str) -> dict[str, Any]:
    try:
        written = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _file_error(_syntax(str(error), text)) from None
    except RecursionError:
        raise _file_error("lists or tables are nested too deep") from None
    except ValueError:  # of all that tomllib converts, only integers have a limit that it does not catch
        raise _file_error("a number has thousands of digits") from None
    if not written:
        raise _file_error("the policy is empty; start from the policy.toml that Countersign comes with")
    return written


def _file_error(sentence: str) -> PolicyError:
    return PolicyError((Fault(sentence=sentence),))


def _position(text: str, offset: int) -> str:
    line_start = text.rfind("\n", 0, offset) + 1
    return f"line {text.count(chr(10), 0, offset) + 1}, column {offset - line_start + 1}"


_WHERE = re.compile(r" \(at (?:(line \d+, column \d+)|end of document)\)$")
_HINTS = {"Invalid value": "; text stands in quotes", "Cannot overwrite a value": "; this key is written twice"}


def _syntax(message: str, text: str) -> str:
    found = _WHERE.search(message)
    where = (found and found[1]) or _position(text, len(text))
    what = _WHERE.sub("", message)
    return f"{where}: {what}{_HINTS.get(what, '')}"


# From pydantic's errors to faults.


def _faults(error: ValidationError, written: dict[str, Any]) -> Iterator[Fault]:
    for found in error.errors(include_url=False):
        misfit = found.get("ctx", {}).get("error")
        if isinstance(misfit, CrossFieldError):
            for place, sentence in misfit.faults:
                yield _fault((*found["loc"], *place), sentence, written, or_default=bool(place))
        else:
            yield _fault(found["loc"], _sentence(found), written)


_ABSENT = object()


def _fault(place: Place, sentence: str, written: dict[str, Any], *, or_default: bool = False) -> Fault:
    value = _look_up(written, place)
    if value is _ABSENT and place[-1] == "[key]":  # so pydantic marks that it means the key, not what stands there
        return Fault(key=_dotted(place[:-1]), sentence=sentence)
    if value is _ABSENT and or_default:
        sentence += " (it is not written, so the default stands)"
    return Fault(key=_dotted(place), value=_shown(value), sentence=sentence)


def _look_up(written: Any, place: Place) -> Any:
    for step in place:
        try:
            written = written[step]
        except (LookupError, TypeError):
            return _ABSENT
    return written


def _dotted(place: Place) -> str:
    return ".".join(str(step) if re.fullmatch(r"[A-Za-z0-9_-]+", str(step)) else _quoted(str(step)) for step in place)


def _quoted(text: str) -> str:
    return _cut(json.dumps(text, ensure_ascii=not text.isprintable()))


def _cut(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:59]}…"  # noqa: PLR2004


def _shown(value: Any) -> str | None:
    """The value as it would stand in the file, as long as that is one line; a table is named by its key alone."""
    match value:
        case str():
            return _quoted(value)
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value) if abs(value) < 10**60 or not isinstance(value, int) else "an enormous number"
        case date() | time():
            return value.isoformat()
        case list() if not any(isinstance(item, list | dict) for item in value):
            return _cut(f"[{', '.join(str(_shown(item)) for item in value)}]")
    return None


_LIMITS = {
    "greater_than_equal": "must be at least {ge:g}",
    "less_than_equal": "must be at most {le:g}",
    "finite_number": "must be a finite number",
    "string_too_long": "must be at most {max_length} characters",
}

# By the first word of pydantic's kind of error, such as `int_parsing` or `int_from_float`.
_KINDS = {
    "string": "must be text in quotes",
    "int": "must be a whole number",
    "float": "must be a number",
    "bool": "must be true or false",
    "tuple": "must be a list, in [ ]",
    "dict": "must be a table of keys and values",
    "model": "must be a table of keys and values",
}


def _sentence(found: ErrorDetails) -> str:
    context = found.get("ctx", {})
    match found["type"]:
        case "missing":
            return "is missing" + _choices(found["loc"])
        case "extra_forbidden":
            return _unknown(found["loc"])
        case "enum" | "literal_error":
            return "must be one of: " + ", ".join(re.findall("'([^']+)'", context["expected"]))
        case "value_error":
            return str(context["error"])
        case kind:
            known = _LIMITS.get(kind) or _KINDS.get(kind.split("_")[0])
            return known.format(**context) if known else found["msg"]


def _choices(place: Place) -> str:
    kind = _kind_at(place)
    choices = list(kind) if isinstance(kind, type) and issubclass(kind, StrEnum) else []
    return f"; write one of: {', '.join(choices)}" if choices else ""


def _unknown(place: Place) -> str:
    fields = _kind_at(place[:-1]).model_fields.items()
    allowed = [name for name, field in fields if not field.exclude]
    close = get_close_matches(str(place[-1]), allowed, n=1, cutoff=0.55)
    hint = f"did you mean {close[0]}? " if close else ""
    return f"unknown key; {hint}allowed here: {', '.join(allowed)}"


def _kind_at(place: Place) -> Any:
    """The type that the policy's models give to what stands at a place."""
    kind: Any = Policy
    for step in place:
        is_model = isinstance(kind, type) and issubclass(kind, BaseModel)
        kind = kind.model_fields[step].annotation if is_model else get_args(kind)[-1]
        kind = get_args(kind)[0] if type(None) in get_args(kind) else kind
    return kind
