"""The digest of the exact call that people approve: SHA-256 of its canonical JSON (RFC 8785).

The service computes the same digest. A claim names the digest of the call that is about to run, and the service refuses
the claim if it is not the approved one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from hashlib import sha256
from math import isfinite
from typing import Any

_SAFE = 2**53 - 1  # readers that keep numbers as doubles misread larger ones
_PLAIN_FROM, _EXPONENT_FROM = 1e-6, 1e21  # ECMAScript writes an exponent only outside this range


def action_digest(
    action_type: str, parameters: Mapping[str, Any], subject_type: str | None = None, subject_id: str | None = None
) -> str:
    """The digest of one exact call. An approval covers this call and no other."""
    subject = {"type": subject_type, "id": subject_id}
    return digest_of({"action_type": action_type, "action_parameters": dict(parameters), "subject": subject})


def digest_of(value: Any) -> str:
    return "sha256:" + sha256(canonical(value).encode()).hexdigest()


def canonical(value: Any) -> str:
    """The value as canonical JSON (RFC 8785)."""
    match value:
        case None | bool() | str():
            return json.dumps(value, ensure_ascii=False)
        case int():
            return _integer(value)
        case float():
            return _double(value)
        case list() | tuple():
            return "[" + ",".join(canonical(item) for item in value) + "]"
        case Mapping():
            names = sorted(value, key=lambda name: name.encode("utf-16-be", "surrogatepass"))
            return "{" + ",".join(f"{canonical(name)}:{canonical(value[name])}" for name in names) + "}"
        case _:
            raise TypeError(f"a {type(value).__name__} is not a JSON value")


def _integer(value: int) -> str:
    if abs(value) > _SAFE:
        raise ValueError(f"{value} is beyond 2**53 - 1 and does not survive every JSON reader; send it as a string")
    return int.__repr__(value)


def _double(value: float) -> str:
    """The number as ECMAScript writes it: the same shortest digits as Python's, but other exponent notation."""
    if not isfinite(value):
        raise ValueError(f"{value} is not a JSON number")
    if value == 0:
        return "0"
    if _PLAIN_FROM <= abs(value) < _EXPONENT_FROM:
        return format(Decimal(repr(value)), "f").removesuffix(".0")
    digits, _, exponent = repr(value).partition("e")
    return f"{digits}e{int(exponent):+}"
