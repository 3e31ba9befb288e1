"""How far a takeover or a hold reaches: the thread or, for a package without one, the run.

While a package holds such a name, no package that requires it is accepted or claimed. A package without a `thread_id`
is still stopped by its run, but another thread of the same run goes on. Names are normalized before they are compared,
so that another spelling of a thread does not escape the takeover.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from rules.reasons import Reason, Refusal, refuse
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


def followed_name(item: HasThread) -> str | None:
    """The name with which this package is stopped: its thread or, without one, its part of the run."""
    thread, _, part_of_run = _names(item)
    return thread or part_of_run


def _names(item: HasThread) -> tuple[str | None, str | None, str | None]:
    thread = None if item.thread_id is None else normalize_name(item.thread_id)
    run = None if item.run_id is None else normalize_name(item.run_id)
    return (
        None if thread is None else f"thread:{thread}",
        None if run is None else f"run:{run}",
        None if run is None else f"thread-of-run:{run}",
    )


def names_held_with_thread(thread_id: str, run_ids: Iterable[str | None]) -> tuple[str, ...]:
    """The names that a held or cancelled thread holds: its own, and that of each run in which it takes part."""
    runs = {normalize_name(run_id) for run_id in run_ids if run_id}
    return (f"thread:{normalize_name(thread_id)}", *(f"thread-of-run:{run}" for run in sorted(runs)))


# A name is stopped by the package through which a person took it over, or by a thread that is held or cancelled.
_HELD, _CANCELLED = "held:", "cancelled:"


def stop_of_thread(thread_key: str, *, cancelled: bool) -> str:
    return f"{_CANCELLED if cancelled else _HELD}{thread_key}"


def refuse_stopped(stopped_by: str | None, own: str | None = None) -> Refusal | None:
    """The refusal for a package whose thread or run is stopped, unless it is stopped by this package itself."""
    if stopped_by is None or stopped_by == own:
        return None
    if stopped_by.startswith(_HELD):
        return refuse(Reason.THREAD_HELD)
    if stopped_by.startswith(_CANCELLED):
        return refuse(Reason.THREAD_CANCELLED)
    return refuse(Reason.THREAD_TAKEN_OVER, package=stopped_by)
