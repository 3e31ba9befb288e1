"""Wait for a package's final outcome: answer wishes for changes, and wait past deferrals."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from countersign.errors import AlreadyDecidedError, StaleVersionError
from countersign.outcomes import Deferred, EvidenceWanted, Outcome, Revise
from countersign.package import OnMessage, Package, Watch
from countersign.wire import Flow, Perform

Wanted: TypeAlias = Revise | EvidenceWanted
# Takes a person's wish and returns the fields that the next version changes. With an AsyncClient it may be async.
Rework: TypeAlias = Callable[[Wanted], Any]


def wait_until_settled(
    package: Package,
    rework: Callable[[Wanted], Flow[Mapping[str, Any]]] | None,
    revisions: int,
    timeout: float | None,
    on_message: OnMessage | None = None,
    *,
    watch: Watch | None = None,
) -> Flow[Outcome]:
    """The final outcome. A wish after `revisions` new versions withdraws the package, so that no reviewer waits."""
    deadline = None if timeout is None else time.monotonic() + timeout
    revised = 0
    while True:
        left = None if deadline is None else deadline - time.monotonic()
        outcome = yield from package.wait(left, on_message, watch)
        if isinstance(outcome, Deferred):
            continue
        if rework is None or not isinstance(outcome, Wanted):
            return outcome
        if revised == revisions:
            change = package.cancel(f"Given up after {revisions} revisions.")
        else:
            change = package.revise((yield from rework(outcome)))
            revised += 1
        yield from _change_or_refresh(package, change)


def _change_or_refresh(package: Package, change: Flow[None]) -> Flow[None]:
    """Changes the package, or reads it again if people, time or another worker of this agent were faster."""
    try:
        yield from change
    except (AlreadyDecidedError, StaleVersionError):
        yield from package.refresh()


def rework_flow(rework: Rework) -> Callable[[Wanted], Flow[Mapping[str, Any]]]:
    """The agent's callback as a flow."""

    def flow(wanted: Wanted) -> Flow[Mapping[str, Any]]:
        return (yield Perform(lambda: rework(wanted)))  # type: ignore[no-any-return]

    return flow
