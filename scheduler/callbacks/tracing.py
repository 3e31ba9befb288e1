"""The trace that goes with a callback: by default that of the package, as its agent sent it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

from scheduler.callbacks.retries import AttemptResult
from store.outbox.deliveries import ClaimedCallback


class DeliverySpan(Protocol):
    """`headers` are sent with the callback. Neither beginning a span nor ending it may raise."""

    @property
    def headers(self) -> Mapping[str, str]: ...

    def end(self, result: AttemptResult | None) -> None:
        """`result` is None if the attempt broke or was cancelled."""
        ...


BeginDelivery = Callable[[ClaimedCallback], DeliverySpan]


class UntracedDelivery(NamedTuple):
    headers: Mapping[str, str]

    def end(self, result: AttemptResult | None) -> None:
        """Nothing is recorded."""


def pass_trace_on(callback: ClaimedCallback) -> DeliverySpan:
    return UntracedDelivery(callback.trace.headers if callback.trace else {})
