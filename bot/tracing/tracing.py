"""What the service traces: `Tracing`. `Untraced` records nothing, and passes the trace of an agent on as it is."""

from __future__ import annotations

from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, Protocol, Self

from rules.record.status_document import Document
from rules.trace_context import TraceContext
from scheduler.callbacks.tracing import DeliverySpan, pass_trace_on
from store.commands.execute import Outcome
from store.commands.invocation import Invocation
from store.outbox.deliveries import ClaimedCallback


class Submission(Protocol):
    """`trace` is stored with the package: later spans of the package, and its callbacks, are part of this trace."""

    @property
    def trace(self) -> TraceContext | None: ...

    def describe(self, document: Document) -> None: ...


class Tracing(Protocol):
    is_on: bool

    def submit(self, incoming: TraceContext | None) -> AbstractContextManager[Submission]: ...

    def observe(self, invocation: Invocation, outcome: Outcome, began: int) -> None:
        """Called after each command. `began` is in nanoseconds since 1970."""
        ...

    def begin_delivery(self, callback: ClaimedCallback) -> DeliverySpan: ...


class UntracedSubmission:
    def __init__(self, trace: TraceContext | None) -> None:
        self.trace = trace

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, at: TracebackType | None) -> None:
        """Nothing is recorded."""

    def describe(self, document: Document) -> None:
        """Nothing is recorded."""


class Untraced:
    is_on = False

    def submit(self, incoming: TraceContext | None) -> AbstractContextManager[Submission]:
        return UntracedSubmission(incoming)

    def observe(self, *_: Any) -> None:
        """Nothing is recorded."""

    def begin_delivery(self, callback: ClaimedCallback) -> DeliverySpan:
        return pass_trace_on(callback)
