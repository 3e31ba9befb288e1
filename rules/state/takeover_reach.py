"""How far a takeover reaches: the thread of its package; without one, the run.

While a package holds these names, nothing that asks one of them comes in or is claimed. A package that leaves its
`thread_id` out is still found by its run, but another thread of the same run goes on. Names are compared folded, so
that no second spelling of a thread leads out of it.
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


def has_thread_or_run(its: HasThread) -> bool:
    return its.thread_id is not None or its.run_id is not None


def names_held(its: HasThread) -> tuple[str, ...]:
    """What a takeover of this package holds."""
    thread, whole_run, part_of_run = _names(its)
    return tuple(filter(None, (thread, part_of_run) if thread else (whole_run,)))


def names_required(its: HasThread) -> tuple[str, ...]:
    """What must not be held by another package while this one comes in or is claimed."""
    thread, whole_run, part_of_run = _names(its)
    return tuple(filter(None, (thread, whole_run) if thread else (whole_run, part_of_run)))


def _names(its: HasThread) -> tuple[str | None, str | None, str | None]:
    thread = None if its.thread_id is None else normalize_name(its.thread_id)
    run = None if its.run_id is None else normalize_name(its.run_id)
    return (
        None if thread is None else f"thread:{thread}",
        None if run is None else f"run:{run}",
        None if run is None else f"thread-of-run:{run}",
    )
