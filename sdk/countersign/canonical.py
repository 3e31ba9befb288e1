"""What exactly is approved, as a digest: canonical JSON (RFC 8785) of the call, as the service computes it too."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from hashlib import sha256
from math import isfinite
from typing import Any

_SAFE = 2**53 - 1  # beyond it, readers that keep numbers as doubles see another number
_PLAIN_FROM, _EXPONENT_FROM = 1e-6, 1e21  # between them ECMAScript writes no exponent


def action_digest(
    action_type: str, parameters: Mapping[str, Any], subject_type: str | None = None, subject_id: str | None = None
) -> str:
    """The digest of one exact call: an approval is for this and for nothing else."""
    subject = {"type": subject_type, "id": subject_id}
    return digest_of({"action_type": action_type, "action_parameters": dict(parameters), "subject": subject})


def digest_of(value: Any) -> str:
    return "sha256:" + sha256(canonical(value).encode()).hexdigest()


def canonical(value: Any) -> str:
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
    """ECMAScript's spelling: the same shortest digits as Python's, with the point and the exponent placed otherwise."""
    if not isfinite(value):
        raise ValueError(f"{value} is not a JSON number")
    if value == 0:
        return "0"
    if _PLAIN_FROM <= abs(value) < _EXPONENT_FROM:
        return format(Decimal(repr(value)), "f").removesuffix(".0")
    digits, _, exponent = repr(value).partition("e")
    return f"{digits}e{int(exponent):+}"
