"""Context variables: the run that gated calls belong to, and the innermost gate that is open.

Code inside `with run(…)` or inside a gated function sees them without passing them along.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from countersign.errors import UngatedToolError


@dataclass(frozen=True, slots=True)
class Run:
    """The agent's current run and step."""

    run_id: str | None = None
    thread_id: str | None = None
    step: str = ""


@dataclass(slots=True)
class OpenGate:
    """A gate that is open during a call. Tasks and threads may outlive the call; for them it is closed afterwards."""

    action_type: str
    is_open: bool = True


_current: ContextVar[Run] = ContextVar("countersign_run", default=Run())  # noqa: B039 - frozen
_innermost_gate: ContextVar[OpenGate | None] = ContextVar("countersign_opened", default=None)


@contextmanager
def run(run_id: str, *, thread_id: str | None = None, step: str = "") -> Iterator[None]:
    """Every gated call inside the `with` block belongs to this run.

    The same action in the same step of the same run is the same proposal, so a restarted agent finds the packages that
    it proposed before instead of asking again.
    """
    token = _current.set(Run(run_id, thread_id, step))
    try:
        yield
    finally:
        _current.reset(token)


def current_run() -> Run:
    return _current.get()


@contextmanager
def open_gate(action_type: str) -> Iterator[None]:
    """Lets `require_gate(action_type)` pass inside the `with` block, and nowhere after it."""
    gate = OpenGate(action_type)
    token = _innermost_gate.set(gate)
    try:
        yield
    finally:
        gate.is_open = False
        _innermost_gate.reset(token)


def require_gate(action_type: str) -> None:
    """Raises `UngatedToolError` unless a gate of this action type is running the calling code."""
    gate = _innermost_gate.get()
    if gate is None or not gate.is_open or gate.action_type != action_type:
        raise UngatedToolError(f"{action_type} is high-impact: it runs only inside a gate that people have opened")
