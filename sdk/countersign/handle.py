"""A package in an agent's hands: what is known of it, and what can be done with it. Sync here, async below it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Protocol, TypeVar, Unpack

from countersign.document import ExecutionState, Level, Status, StatusDocument
from countersign.outcomes import Outcome, outcome_of
from countersign.package import Package, Reported
from countersign.proposal import Changes
from countersign.settling import Rework, performed, settled
from countersign.wire import Flow

T = TypeVar("T")


class Runner(Protocol):
    def run(self, flow: Flow[T]) -> T: ...


class AsyncRunner(Protocol):
    def run(self, flow: Flow[T]) -> Awaitable[T]: ...


class Known:
    """What the service last said; `wait` and `refresh` bring it up to date."""

    def __init__(self, package: Package) -> None:
        self._package = package

    @property
    def decision_package_id(self) -> str:
        return self._package.id

    @property
    def claim_id(self) -> str:
        return self._package.claim_id

    @property
    def document(self) -> StatusDocument:
        return self._package.document

    @property
    def status(self) -> Status:
        return self.document["status"]

    @property
    def version(self) -> int:
        return self.document["version"]

    @property
    def level(self) -> Level:
        return self.document["level"]

    @property
    def action_digest(self) -> str:
        return self.document["action_digest"]

    @property
    def may_proceed(self) -> bool:
        return self.document["may_proceed"]

    @property
    def execution(self) -> ExecutionState:
        return self.document["execution"]["state"]

    @property
    def outcome(self) -> Outcome | None:
        return outcome_of(self.document)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.decision_package_id} v{self.version} {self.status}>"


class Handle(Known):
    """For sync code."""

    def __init__(self, runner: Runner, package: Package) -> None:
        super().__init__(package)
        self._runner = runner

    def wait(self, timeout: float | None = None) -> Outcome:
        """The outcome, whenever it comes; StillPendingError if it has not come after `timeout` seconds."""
        return self._runner.run(self._package.wait(timeout))

    def settle(self, rework: Rework | None = None, *, revisions: int = 3, timeout: float | None = None) -> Outcome:
        """Waits past deferrals, and answers wishes for changes by what `rework` makes of them, so many times."""
        return self._runner.run(settled(self._package, rework and performed(rework), revisions, timeout))

    def refresh(self) -> Outcome | None:
        return self._runner.run(self._package.refresh())

    def revise(self, **changes: Unpack[Changes]) -> None:
        self._runner.run(self._package.revise(changes))

    def cancel(self, reason: str) -> None:
        self._runner.run(self._package.cancel(reason))

    def claim(self, action_digest: str | None = None) -> dict[str, Any]:
        """Takes the permission and gives the parameters as approved. Once: a second attempt is refused."""
        return self._runner.run(self._package.claim(action_digest))

    def report(self, state: Reported, detail: str | None = None) -> None:
        self._runner.run(self._package.report(state, detail))

    def succeeded(self, detail: str | None = None) -> None:
        self.report("succeeded", detail)

    def failed(self, detail: str | None = None) -> None:
        self.report("failed", detail)

    def rolled_back(self, detail: str | None = None) -> None:
        self.report("rolled_back", detail)

    def handed_back(self, timeout: float | None = None) -> None:
        """Waits until a person who has taken over the thread hands it back.

        NotTakenOverError if nobody has: time ran out, or people decided something else. StillPendingError if neither
        happens in `timeout` seconds; without one it waits for as long as somebody has the thread.
        """
        self._runner.run(self._package.handed_back(timeout))

    @contextmanager
    def executing(self) -> Iterator[dict[str, Any]]:
        """Claims; then what is done inside has succeeded, or has failed if it raised."""
        parameters = self.claim()
        try:
            yield parameters
        except Exception as fault:
            self._runner.run(self._package.report_failure(fault))
            raise
        self._runner.run(self._package.report_success())


class AsyncHandle(Known):
    """The same for async code."""

    def __init__(self, runner: AsyncRunner, package: Package) -> None:
        super().__init__(package)
        self._runner = runner

    async def wait(self, timeout: float | None = None) -> Outcome:  # noqa: ASYNC109 - ours ends one wait, not the task
        return await self._runner.run(self._package.wait(timeout))

    async def settle(
        self,
        rework: Rework | None = None,
        *,
        revisions: int = 3,
        timeout: float | None = None,  # noqa: ASYNC109
    ) -> Outcome:
        return await self._runner.run(settled(self._package, rework and performed(rework), revisions, timeout))

    async def refresh(self) -> Outcome | None:
        return await self._runner.run(self._package.refresh())

    async def revise(self, **changes: Unpack[Changes]) -> None:
        await self._runner.run(self._package.revise(changes))

    async def cancel(self, reason: str) -> None:
        await self._runner.run(self._package.cancel(reason))

    async def claim(self, action_digest: str | None = None) -> dict[str, Any]:
        return await self._runner.run(self._package.claim(action_digest))

    async def report(self, state: Reported, detail: str | None = None) -> None:
        await self._runner.run(self._package.report(state, detail))

    async def succeeded(self, detail: str | None = None) -> None:
        await self.report("succeeded", detail)

    async def failed(self, detail: str | None = None) -> None:
        await self.report("failed", detail)

    async def rolled_back(self, detail: str | None = None) -> None:
        await self.report("rolled_back", detail)

    async def handed_back(self, timeout: float | None = None) -> None:  # noqa: ASYNC109
        await self._runner.run(self._package.handed_back(timeout))

    @asynccontextmanager
    async def executing(self) -> AsyncIterator[dict[str, Any]]:
        parameters = await self.claim()
        try:
            yield parameters
        except Exception as fault:
            await self._runner.run(self._package.report_failure(fault))
            raise
        await self._runner.run(self._package.report_success())
