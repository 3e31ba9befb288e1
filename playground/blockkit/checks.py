"""The building blocks of the Block Kit tables: text, number, items, shape, kinds and so on.

Each returns a check, which is a function from any value to its faults. A check descends only as deep as its table, so
deeply nested input cannot make it recurse.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any

from playground.blockkit.fault import INVALID_BLOCKS, NO_FAULTS, Check, Fault, Faults, pointer_step, refusal, under

ANY_LENGTH = 1_000_000_000


def anything(_: Any) -> Faults:
    """For values that are checked elsewhere."""
    return NO_FAULTS


def any_object(value: Any) -> Faults:
    return NO_FAULTS if isinstance(value, dict) else refusal("must be an object")


def flag(value: Any) -> Faults:
    return NO_FAULTS if isinstance(value, bool) else refusal("must be true or false")


def text(limit: int = ANY_LENGTH, least: int = 1) -> Check:
    bounds = f"{least} to {limit:,} characters" if limit < ANY_LENGTH else f"at least {least} character"
    refused = refusal(f"must be a string of {bounds}")

    def check(value: Any) -> Faults:
        return NO_FAULTS if isinstance(value, str) and least <= len(value) <= limit else refused

    return check


def pattern(expression: str, allowed: str) -> Check:
    compiled, refused = re.compile(expression), refusal(f"must be a string {allowed}")

    def check(value: Any) -> Faults:
        return NO_FAULTS if isinstance(value, str) and compiled.fullmatch(value) else refused

    return check


def choice(*words: str) -> Check:
    allowed, refused = frozenset(words), refusal(f"must be one of: {', '.join(words)}")

    def check(value: Any) -> Faults:
        return NO_FAULTS if isinstance(value, str) and value in allowed else refused

    return check


def integer(least: int, limit: int) -> Check:
    refused = refusal(f"must be a whole number from {least} to {limit:,}")

    def check(value: Any) -> Faults:
        # In Python True equals 1, but JSON distinguishes them.
        return NO_FAULTS if type(value) is int and least <= value <= limit else refused

    return check


def number(*, above: float = -inf) -> Check:
    refused = refusal("must be a number" if above == -inf else f"must be a number above {above:g}")

    def check(value: Any) -> Faults:
        return NO_FAULTS if type(value) in {int, float} and above < value < inf else refused

    return check


def nullable(check: Check) -> Check:
    return lambda value: NO_FAULTS if value is None else check(value)


def items(of: Check, limit: int, least: int = 1) -> Check:
    """An array of `least` to `limit` items that each pass `of`."""
    refused = refusal(f"must be an array of {least} to {limit:,} items")

    def check(value: Any) -> Faults:
        if not isinstance(value, (list, tuple)):
            return refused
        faults = [] if least <= len(value) <= limit else [*refused]
        # Items past the limit are not checked: a million bad items are one fault, not a million.
        for index, item in enumerate(value[:limit]):
            if item_faults := of(item):
                faults += under(index, item_faults)
        return tuple(faults)

    return check


@dataclass(frozen=True, slots=True)
class Shape:
    """An object with these keys and no others. Rules compare several keys, so they run only if each key is valid."""

    fields: Mapping[str, Check]
    needed: frozenset[str]
    rules: Sequence[Check]

    def __call__(self, value: Any) -> Faults:
        if not isinstance(value, dict):
            return refusal("must be an object")
        faults = self._in_fields(value)
        if not value.keys() >= self.needed:
            faults += self._missing(value)
        if not faults:
            faults += [fault for rule in self.rules for fault in rule(value)]
        return tuple(faults)

    def _in_fields(self, value: dict[Any, Any]) -> list[Fault]:
        faults: list[Fault] = []
        for key, item in value.items():
            check = self.fields.get(key)
            if check is None:
                faults += self._unknown(key)
            elif item_faults := check(item):
                faults += under(key, item_faults)
        return faults

    def _missing(self, value: dict[Any, Any]) -> list[Fault]:
        return [Fault(INVALID_BLOCKS, "", f"must have the key {key}") for key in sorted(self.needed - value.keys())]

    def _unknown(self, key: object) -> Faults:
        message = f"is not known here; known are: {', '.join(self.fields)}"
        return refusal(message, pointer_step(key) if isinstance(key, str) else "")


def shape(
    kind: str | None, needs: Mapping[str, Check], takes: Mapping[str, Check] | None = None, *rules: Check
) -> Check:
    """`needs` are the required keys, `takes` the optional ones. With a `kind`, `type` must name it."""
    required = {"type": choice(kind), **needs} if kind else needs
    return Shape({**required, **(takes or {})}, frozenset(required), rules)


def kinds(known: Mapping[str, Check]) -> Check:
    """One of several shapes, selected by `type`."""
    refused = refusal(f"must be one of: {', '.join(known)}", "/type")

    def check(value: Any) -> Faults:
        if not isinstance(value, dict):
            return refusal("must be an object")
        kind = value.get("type")
        return known[kind](value) if isinstance(kind, str) and kind in known else refused

    return check


def either(*keys: str) -> Check:
    """At least one of these keys."""
    refused = refusal(f"must have at least one of: {', '.join(keys)}")
    return lambda value: NO_FAULTS if any(key in value for key in keys) else refused


def exactly_one(*keys: str) -> Check:
    refused = refusal(f"must have exactly one of: {', '.join(keys)}")
    return lambda value: NO_FAULTS if sum(key in value for key in keys) == 1 else refused


def ordered(low: str, high: str) -> Check:
    """Both may be missing. Number inputs give numbers as strings."""
    refused = refusal(f"must have a {low} that is not above {high}")

    def check(value: dict[str, Any]) -> Faults:
        return NO_FAULTS if float(value.get(low, -inf)) <= float(value.get(high, inf)) else refused

    return check
