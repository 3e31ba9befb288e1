"""What a gated call belongs to, and what it runs inside of: known to the code below it without being passed along."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from countersign.errors import UngatedToolError


@dataclass(frozen=True, slots=True)
class Run:
    """A run of the agent, and the step in it."""

    run_id: str | None = None
    thread_id: str | None = None
    step: str = ""


@dataclass(slots=True)
class Opening:
    """A gate while it is open. What was started inside it, in tasks or threads, may outlive the call, but not this."""

    action_type: str
    is_open: bool = True


_current: ContextVar[Run] = ContextVar("countersign_run", default=Run())  # noqa: B039 - frozen
_opened: ContextVar[Opening | None] = ContextVar("countersign_opened", default=None)


@contextmanager
def run(run_id: str, *, thread_id: str | None = None, step: str = "") -> Iterator[None]:
    """Every gated call inside belongs to this run: the same run, step and action again is the same proposal."""
    token = _current.set(Run(run_id, thread_id, step))
    try:
        yield
    finally:
        _current.reset(token)


def current() -> Run:
    return _current.get()


@contextmanager
def opened(action_type: str) -> Iterator[None]:
    """A gate of this action type lets through what is called inside, for as long as that lasts."""
    opening = Opening(action_type)
    token = _opened.set(opening)
    try:
        yield
    finally:
        opening.is_open = False
        _opened.reset(token)


def require_gate(action_type: str) -> None:
    """For what must never run by itself: raises unless a gate of this action type is running it."""
    opening = _opened.get()
    if opening is None or not opening.is_open or opening.action_type != action_type:
        raise UngatedToolError(f"{action_type} is high-impact: it runs only inside a gate that people have opened")
