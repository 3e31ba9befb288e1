"""What the doctor says of each thing that it looked at."""

from __future__ import annotations

from typing import NamedTuple


class Finding(NamedTuple):
    """Something that was looked at; with a fault, what to do about it."""

    what: str
    fault: str | None = None
    fix: str = ""
