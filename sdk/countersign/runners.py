"""What runs a flow: `Client` returns its result, `AsyncClient` an awaitable of it."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Protocol, TypeVar

from countersign.wire import Flow

T = TypeVar("T")


class Runner(Protocol):
    def run(self, flow: Flow[T]) -> T: ...


class AsyncRunner(Protocol):
    def run(self, flow: Flow[T]) -> Awaitable[T]: ...
