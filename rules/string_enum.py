"""`StringEnum`: a string enum whose values are read without running Python code."""

from __future__ import annotations

from enum import StrEnum
from operator import attrgetter
from typing import TYPE_CHECKING


class StringEnum(StrEnum):
    """Python's own `value` is a function in Python, and a package is written with some hundred of them."""

    if not TYPE_CHECKING:  # mypy would take it for a member
        value = property(attrgetter("_value_"))
