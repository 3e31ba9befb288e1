"""Faults of a payload, as values: no check of Block Kit ever raises."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

INVALID_BLOCKS = "invalid_blocks"


@dataclass(frozen=True, slots=True)
class Fault:
    """`code` is Slack's error, `pointer` a JSON pointer, and `message` says what is allowed there."""

    code: str
    pointer: str
    message: str


Faults = tuple[Fault, ...]
Check = Callable[[Any], Faults]

NO_FAULTS: Faults = ()


def refusal(message: str, pointer: str = "", code: str = INVALID_BLOCKS) -> Faults:
    return (Fault(code, pointer, message),)


def pointer_step(key: int | str) -> str:
    """One step of a JSON pointer: an index, or a key with `~` and `/` escaped."""
    return f"/{key}" if isinstance(key, int) else "/" + key.replace("~", "~0").replace("/", "~1")


def under(key: int | str, faults: Faults) -> Faults:
    """Prefix the pointers of a part's faults. Pointers are built only here, so valid values cost nothing."""
    prefix = pointer_step(key)
    return tuple(replace(fault, pointer=prefix + fault.pointer) for fault in faults)


def with_code(code: str, faults: Faults) -> Faults:
    """The same faults with the error code of another method."""
    return tuple(replace(fault, code=code) if fault.code == INVALID_BLOCKS else fault for fault in faults)
