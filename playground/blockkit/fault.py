"""What is wrong with a payload, as a value: no check of Block Kit ever raises."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

INVALID_BLOCKS = "invalid_blocks"


@dataclass(frozen=True, slots=True)
class Fault:
    """`code` is the error that Slack would answer, `pointer` a JSON pointer, `message` says what is allowed there."""

    code: str
    pointer: str
    message: str


Faults = tuple[Fault, ...]
Check = Callable[[Any], Faults]

SOUND: Faults = ()


def refusal(message: str, pointer: str = "", code: str = INVALID_BLOCKS) -> Faults:
    return (Fault(code, pointer, message),)


def step(key: int | str) -> str:
    """One step of a JSON pointer: an index, or a key, in which `~` and `/` are escaped."""
    return f"/{key}" if isinstance(key, int) else "/" + key.replace("~", "~0").replace("/", "~1")


def under(key: int | str, faults: Faults) -> Faults:
    """The faults of a part, as faults of the whole. Pointers are made only here, so what is sound costs none."""
    prefix = step(key)
    return tuple(replace(fault, pointer=prefix + fault.pointer) for fault in faults)


def coded(code: str, faults: Faults) -> Faults:
    """The same faults where another method is called, which has another word for them."""
    return tuple(replace(fault, code=code) if fault.code == INVALID_BLOCKS else fault for fault in faults)
