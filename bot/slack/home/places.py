"""Where a page of a list starts, as opaque text that a button carries."""

from __future__ import annotations

import re
from datetime import datetime
from typing import NamedTuple

from store.packages.paging import Cursor

FIRST = "first"
_PLACE = re.compile(r"([0-9]{1,9}) (\S{1,40}[+-]\d\d:\d\d) (\w{1,64})", re.ASCII)


class Start(NamedTuple):
    """Which of two consecutive lists, and after which place in it."""

    in_second: bool = False
    after: Cursor | None = None


def format_start(start: Start) -> str:
    if start.after is None:
        return "second" if start.in_second else FIRST
    which, place = ("second" if start.in_second else FIRST), start.after
    return f"{which} {place.priority} {place.due_at.isoformat()} {place.review_task_id}"


def parse_start(text: str) -> Start:
    """The start that `format_start` wrote. Any other text means the beginning."""
    which, _, rest = text.partition(" ")
    match = _PLACE.fullmatch(rest)
    try:
        after = Cursor(int(match[1]), datetime.fromisoformat(match[2]), match[3]) if match else None
    except ValueError:
        after = None
    return Start(which == "second", after)
