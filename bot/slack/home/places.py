"""Where in a list a page begins, as the opaque text that a button carries."""

from __future__ import annotations

import re
from datetime import datetime
from typing import NamedTuple

from store.packages.queue import Place

FIRST = "first"
_PLACE = re.compile(r"([0-9]{1,9}) (\S{1,40}[+-]\d\d:\d\d) (\w{1,64})", re.ASCII)


class Start(NamedTuple):
    """In which of two lists, one after the other, and after which place in it."""

    in_second: bool = False
    after: Place | None = None


def written(start: Start) -> str:
    if start.after is None:
        return "second" if start.in_second else FIRST
    which, place = ("second" if start.in_second else FIRST), start.after
    return f"{which} {place.priority} {place.due_at.isoformat()} {place.review_task_id}"


def read(text: str) -> Start:
    """Whatever is not one of ours begins at the beginning."""
    which, _, rest = text.partition(" ")
    found = _PLACE.fullmatch(rest)
    try:
        after = Place(int(found[1]), datetime.fromisoformat(found[2]), found[3]) if found else None
    except ValueError:
        after = None
    return Start(which == "second", after)
