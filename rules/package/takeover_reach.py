"""How far a takeover reaches: the thread of its package or, without one, the run.

While a package holds such a name, no package that requires it is accepted or claimed. A package without a `thread_id`
is still stopped by its run, but another thread of the same run goes on. Names are normalized before they are compared,
so that another spelling of a thread does not escape the takeover.
"""

from __future__ import annotations

from typing import Protocol

from rules.spelling import normalize_name


class HasThread(Protocol):
    """A package or its state."""

    @property
    def thread_id(self) -> str | None: ...
    @property
    def run_id(self) -> str | None: ...


def has_thread_or_run(item: HasThread) -> bool:
    return item.thread_id is not None or item.run_id is not None


def names_held(item: HasThread) -> tuple[str, ...]:
    """The names that a takeover of this package holds."""
    thread, whole_run, part_of_run = _names(item)
    return tuple(filter(None, (thread, part_of_run) if thread else (whole_run,)))


def names_required(item: HasThread) -> tuple[str, ...]:
    """The names that no other package may hold when this one is submitted or claimed."""
    thread, whole_run, part_of_run = _names(item)
    return tuple(filter(None, (thread, whole_run) if thread else (whole_run, part_of_run)))


def _names(item: HasThread) -> tuple[str | None, str | None, str | None]:
    thread = None if item.thread_id is None else normalize_name(item.thread_id)
    run = None if item.run_id is None else normalize_name(item.run_id)
    return (
        None if thread is None else f"thread:{thread}",
        None if run is None else f"run:{run}",
        None if run is None else f"thread-of-run:{run}",
    )
