"""Where in a list a page begins, as the opaque text that a button carries."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from store.queue import Place

FIRST = "first"


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
    try:
        priority, due_at, task = rest.split(" ")
        after = Place(int(priority), datetime.fromisoformat(due_at), task)
    except ValueError:
        after = None
    return Start(which == "second", after)
