"""One value, one spelling: canonical JSON after RFC 8785 (JCS), the form that is hashed and signed.

The value is written in one pass. The path of a fault is gathered only while its exception unwinds, so that
values without a fault, which are nearly all, pay nothing for it.
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

MAX_INTEGER = 2**53 - 1  # beyond it a reader that keeps numbers as doubles sees another number
MAX_DEPTH = 64
CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")  # C0 but for tab, line feed and carriage return
_FEW, _SHORT = 64, 1000  # names of an object, and characters of all of them
_EXPONENT_FROM = 1e21  # ECMAScript spells smaller doubles without an exponent


class NotCanonicalError(ValueError):
    """The value has no canonical form: where in it (a JSON pointer, empty for the value itself) and why."""

    def __init__(self, reason: str, path: str = "") -> None:
        super().__init__(f"{path}: {reason}" if path else reason)
        self.reason = reason
        self.path = path

    def below(self, step: str | int) -> NotCanonicalError:
        """The same finding, seen from the object or list that holds the value under `step`."""
        return NotCanonicalError(self.reason, f"/{pointer_step(step)}{self.path}")


def canonical_json(value: Any, *, max_depth: int = MAX_DEPTH) -> bytes:
    """The RFC 8785 bytes of a value made of dicts, lists, tuples, strings, numbers, booleans and None."""
    return _WRITERS[type(value)](value, max_depth).encode()


def canonical_json_strict(value: Any, *, max_depth: int = MAX_DEPTH) -> bytes:
    """The canonical bytes, if a person can also see the value whole and `json.loads` gives it back to `canonical`.

    Refused beyond what `canonical` refuses: control characters, and doubles that are spelled like a refused integer.
    """
    written = canonical_json(value, max_depth=max_depth)
    for path, leaf in leaves(value):
        _inspect(leaf, path)
    return written


def sha256_of(value: Any) -> str:
    return "sha256:" + sha256(canonical_json(value)).hexdigest()


def pointer_step(step: str | int) -> str:
    """One step of a JSON pointer; a lone surrogate is spelled out, so that any path can itself be sent as UTF-8."""
    spelled = str(step).encode("utf-8", "backslashreplace").decode()
    return spelled.replace("~", "~0").replace("/", "~1")


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every scalar and every name inside, with the JSON pointer to it."""
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
    _enter(room)
    parts, writers, below = [], _WRITERS, room - 1
    in_order, name = _in_order(value), ""
    try:
        for name, spelled in in_order:
            item = value[name]
            parts.append(spelled + writers[type(item)](item, below))
    except NotCanonicalError as fault:
        raise fault.below(name) from None
    return "{" + ",".join(parts) + "}"


def _array(value: list[Any] | tuple[Any, ...], room: int) -> str:
    _enter(room)
    parts = []
    for index, item in enumerate(value):
        try:
            parts.append(_WRITERS[type(item)](item, room - 1))
        except NotCanonicalError as fault:
            raise fault.below(index) from None
    return "[" + ",".join(parts) + "]"


def _enter(room: int) -> None:
    # A value that contains itself ends here too.
    if room < 1:
        raise NotCanonicalError("the nesting is too deep")


def _in_order(value: dict[Any, Any]) -> list[tuple[str, str]]:
    """Each name, and how it stands before its value. What is kept for the next time is small, whoever wrote it."""
    names = tuple(value)
    try:
        together = "".join(names)  # one call in C that also refuses every name that is not a string
    except TypeError:
        raise NotCanonicalError("the names in an object must be strings") from None
    return _known(names) if len(names) <= _FEW and len(together) <= _SHORT else _spelled(names)


def _spelled(names: tuple[str, ...]) -> list[tuple[str, str]]:
    # By UTF-16 code units; of ASCII, its bytes. Never by the names' own `<`: an enum of strings may have another.
    in_order = sorted(names, key=str.encode if "".join(names).isascii() else _utf16)
    return [(name, f"{_name(name)}:") for name in in_order]


_known = lru_cache(maxsize=1024)(_spelled)  # the same few kinds of objects are written again and again


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
    """ECMAScript's spelling: Python finds the same shortest digits, but places the point and the exponent otherwise."""
    if not isfinite(value):
        raise NotCanonicalError("NaN and infinities are not JSON numbers")
    digits = float.__repr__(value)
    if "e" not in digits:
        return "0" if value == 0 else digits.removesuffix(".0")
    if 1e-6 <= abs(value) < _EXPONENT_FROM:  # noqa: PLR2004 - the other bound of ECMAScript's
        return format(Decimal(digits), "f")
    return digits.replace("e-0", "e-")


def _boolean(value: object, _room: int) -> str:
    return "true" if value else "false"


def _null(_value: object, _room: int) -> str:
    return "null"


def _unknown(value: object, _room: int) -> NoReturn:
    raise NotCanonicalError(f"a {type(value).__name__} is not a JSON value")


class _Writers(dict[type, Callable[[Any, int], str]]):
    """The writer of each type. A subclass (an enum of strings, say) is written as what it extends."""

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
