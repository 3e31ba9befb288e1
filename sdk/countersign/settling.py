"""Waiting to the end: wishes for changes are answered, so many times; what is put off is waited for."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from countersign.outcomes import Deferred, EvidenceWanted, Outcome, Revise
from countersign.package import Package
from countersign.wire import Flow, Perform

Wanted: TypeAlias = Revise | EvidenceWanted
# What the next version says otherwise, given what a person wants. May be async where the client is.
Rework: TypeAlias = Callable[[Wanted], Any]


def settled(
    package: Package,
    rework: Callable[[Wanted], Flow[Mapping[str, Any]]] | None,
    revisions: int,
    timeout: float | None,
) -> Flow[Outcome]:
    """The last word. After so many versions the package is withdrawn, so that nobody waits for one more."""
    until, made = None if timeout is None else time.monotonic() + timeout, 0
    while True:
        outcome = yield from package.wait(None if until is None else until - time.monotonic())
        if isinstance(outcome, Deferred):
            continue
        if rework is None or not isinstance(outcome, Wanted):
            return outcome
        if made == revisions:
            yield from package.cancel(f"Given up after {revisions} revisions.")
            continue
        yield from package.revise((yield from rework(outcome)))
        made += 1


def performed(rework: Rework) -> Callable[[Wanted], Flow[Mapping[str, Any]]]:
    """The agent's own rework, as a flow."""

    def flow(wanted: Wanted) -> Flow[Mapping[str, Any]]:
        return (yield Perform(lambda: rework(wanted)))  # type: ignore[no-any-return]

    return flow
