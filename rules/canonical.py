"""Canonical JSON after RFC 8785 (JCS): the form that is hashed and signed.

A value is written in one pass. The path of a fault is collected only while its exception unwinds, so that values
without a fault, which are nearly all, pay nothing for it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import lru_cache
from hashlib import sha256
from json.encoder import encode_basestring  # in C; escapes exactly what RFC 8785 escapes, in the same way
from math import isfinite
from typing import Any, NoReturn

MAX_INTEGER = 2**53 - 1  # beyond it, readers that store numbers as doubles read another number
MAX_DEPTH = 64
CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")  # C0 but for tab, line feed and carriage return
UNPRINTABLE = re.compile(f"{CONTROL.pattern}|[\ud800-\udfff]")  # also halves of surrogate pairs
_MAX_CACHED_NAMES, _MAX_CACHED_LENGTH = 64, 1000  # names of an object, and their characters in total
_EXPONENT_FROM = 1e21  # ECMAScript writes smaller doubles without an exponent


class NotCanonicalError(ValueError):
    """The value has no canonical form: why, and where (a JSON pointer, empty for the value itself)."""

    def __init__(self, reason: str, path: str = "") -> None:
        super().__init__(f"{path}: {reason}" if path else reason)
        self.reason = reason
        self.path = path

    def below(self, step: str | int) -> NotCanonicalError:
        """The same fault, as seen from the object or list that holds the value under `step`."""
        return NotCanonicalError(self.reason, f"/{pointer_step(step)}{self.path}")


def canonical_json(value: Any, *, max_depth: int = MAX_DEPTH) -> bytes:
    """The RFC 8785 bytes of a value made of dicts, lists, tuples, strings, numbers, booleans and None."""
    return _WRITERS[type(value)](value, max_depth).encode()


def canonical_json_strict(value: Any, *, max_depth: int = MAX_DEPTH) -> bytes:
    """The canonical bytes of a value that a person can see completely and that survives `json.loads`.

    Also refuses control characters, and doubles that are written like a refused integer.
    """
    json_text = canonical_json(value, max_depth=max_depth)
    for path, leaf in leaves(value):
        _inspect(leaf, path)
    return json_text


def sha256_of(value: Any) -> str:
    return "sha256:" + sha256(canonical_json(value)).hexdigest()


def pointer_step(step: str | int) -> str:
    """One step of a JSON pointer. A lone surrogate is escaped, so that every path can be encoded as UTF-8."""
    escaped = str(step).encode("utf-8", "backslashreplace").decode()
    return escaped.replace("~", "~0").replace("/", "~1")


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every scalar and every name in the value, with its JSON pointer."""
    if not isinstance(value, dict | list | tuple):
        yield path, value
        return
    for step, item in value.items() if isinstance(value, dict) else enumerate(value):
        here = f"{path}/{pointer_step(step)}"
        yield here, step
        yield from leaves(item, here)


def _inspect(leaf: Any, path: str) -> None:
    if isinstance(leaf, str) and CONTROL.search(leaf):
        raise NotCanonicalError("must not contain a control character", path)
    if isinstance(leaf, float) and MAX_INTEGER < abs(leaf) < _EXPONENT_FROM:
        raise NotCanonicalError(
            "a whole number beyond 2**53 - 1 does not survive every JSON reader; send a string", path
        )


def _object(value: dict[Any, Any], room: int) -> str:
    _check_depth(room)
    parts, writers, below = [], _WRITERS, room - 1
    names, name = _sorted_names(value), ""
    try:
        for name, quoted in names:
            item = value[name]
            parts.append(quoted + writers[type(item)](item, below))
    except NotCanonicalError as fault:
        raise fault.below(name) from None
    return "{" + ",".join(parts) + "}"


def _array(value: list[Any] | tuple[Any, ...], room: int) -> str:
    _check_depth(room)
    parts = []
    for index, item in enumerate(value):
        try:
            parts.append(_WRITERS[type(item)](item, room - 1))
        except NotCanonicalError as fault:
            raise fault.below(index) from None
    return "[" + ",".join(parts) + "]"


def _check_depth(room: int) -> None:
    # This also ends the recursion of a value that contains itself.
    if room < 1:
        raise NotCanonicalError("the nesting is too deep")


def _sorted_names(value: dict[Any, Any]) -> list[tuple[str, str]]:
    """The names in canonical order, each with its quoted form. Only small objects are cached, to bound the memory."""
    names = tuple(value)
    try:
        together = "".join(names)  # one call in C that also refuses every name that is not a string
    except TypeError:
        raise NotCanonicalError("the names in an object must be strings") from None
    return (
        _sorted_and_quoted_cached(names)
        if len(names) <= _MAX_CACHED_NAMES and len(together) <= _MAX_CACHED_LENGTH
        else _sorted_and_quoted(names)
    )


def _sorted_and_quoted(names: tuple[str, ...]) -> list[tuple[str, str]]:
    # Sort by UTF-16 code units (for ASCII: bytes), and never by the names' own `<`, which a string enum may override.
    in_order = sorted(names, key=str.encode if "".join(names).isascii() else _utf16)
    return [(name, f"{_name(name)}:") for name in in_order]


# The same few sets of names are written again and again.
_sorted_and_quoted_cached = lru_cache(maxsize=1024)(_sorted_and_quoted)


def _name(name: str) -> str:
    try:
        return _string(name)
    except NotCanonicalError as fault:
        raise fault.below(name) from None


def _utf16(name: str) -> bytes:
    return name.encode("utf-16-be", "surrogatepass")


def _string(value: str, _room: int = 0) -> str:
    quoted = encode_basestring(value)
    if not quoted.isascii():
        _refuse_surrogates(value)
    return quoted


def _refuse_surrogates(value: str) -> None:
    try:
        value.encode()
    except UnicodeEncodeError as error:
        half = ord(value[error.start])
        raise NotCanonicalError(f"half of a surrogate pair (U+{half:04X}) is not a character") from None


def _integer(value: int, _room: int) -> str:
    if -MAX_INTEGER <= value <= MAX_INTEGER:
        return int.__repr__(value)
    raise NotCanonicalError("an integer beyond 2**53 - 1 does not survive every JSON reader; send it as a string")


def _float(value: float, _room: int) -> str:
    """The number as ECMAScript writes it: the same shortest digits as Python, but another notation for exponents."""
    if not isfinite(value):
        raise NotCanonicalError("NaN and infinities are not JSON numbers")
    digits = float.__repr__(value)
    if "e" not in digits:
        return "0" if value == 0 else digits.removesuffix(".0")
    if 1e-6 <= abs(value) < _EXPONENT_FROM:  # noqa: PLR2004 - ECMAScript's lower bound
        return format(Decimal(digits), "f")
    return digits.replace("e-0", "e-")


def _boolean(value: object, _room: int) -> str:
    return "true" if value else "false"


def _null(_value: object, _room: int) -> str:
    return "null"


def _unknown(value: object, _room: int) -> NoReturn:
    raise NotCanonicalError(f"a {type(value).__name__} is not a JSON value")


class _Writers(dict[type, Callable[[Any, int], str]]):
    """The writer of each type, which takes the value and how many levels deep it may be.

    A subclass, such as a string enum, is written like its base class.
    """

    def __missing__(self, kind: type) -> Callable[[Any, int], str]:
        return next((self[base] for base in kind.__mro__ if base in self), _unknown)


_WRITERS = _Writers(
    {
        dict: _object,
        list: _array,
        tuple: _array,
        str: _string,
        int: _integer,
        float: _float,
        bool: _boolean,
        type(None): _null,
    }
)
