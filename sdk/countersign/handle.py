"""Handles: a proposed package, its current state, and what an agent can do with it, for sync and async code.

`client.request` returns one. `wait` blocks until people have decided, and `executing` claims the permission, runs the
block and reports its outcome. Both classes run the flows of `countersign.package`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager, asynccontextmanager, contextmanager
from typing import Any, Unpack

from countersign.base_handle import BaseHandle
from countersign.document import Message, Recovery
from countersign.errors import CountersignError
from countersign.outcomes import Outcome
from countersign.package import OnMessage, Package, Reported
from countersign.proposal import Changes
from countersign.runners import AsyncRunner, Runner
from countersign.settling import Rework, rework_flow, wait_until_settled


class Handle(BaseHandle):
    """A package in sync code. `Client.request` and `Client.handle` return it."""

    def __init__(self, runner: Runner, package: Package) -> None:
        super().__init__(package)
        self._runner = runner

    def wait(self, timeout: float | None = None, *, on_message: OnMessage | None = None) -> Outcome:
        """Waits for the outcome and returns it. Raises `StillPendingError` after `timeout` seconds without one.

        A timeout of 0 asks once. A `Deferred` outcome is returned once; the next call waits past it. `on_message` gets
        each message that a person writes to the agent, once. If it returns a text, that is sent as the answer.
        """
        return self._runner.run(self._package.wait(timeout, on_message))

    def messages(self) -> list[Message]:
        """All messages between people and the agent, oldest first."""
        return self._runner.run(self._package.messages())

    def say(self, text: str, *, in_reply_to: str | None = None) -> None:
        """Sends a message to the people who read the package. It decides nothing, and is possible at any time."""
        self._runner.run(self._package.say(text, in_reply_to))

    def settle(
        self,
        rework: Rework | None = None,
        *,
        revisions: int = 3,
        timeout: float | None = None,
        on_message: OnMessage | None = None,
    ) -> Outcome:
        """Waits for the final outcome, past deferrals.

        `rework` gets each wish for changes or evidence and returns the fields that the next version changes. After
        `revisions` such versions the package is withdrawn. Without `rework`, the wish itself is the outcome.
        """
        flow = rework and rework_flow(rework)
        return self._runner.run(wait_until_settled(self._package, flow, revisions, timeout, on_message))

    def refresh(self) -> Outcome | None:
        """Reads the current state once, without waiting."""
        return self._runner.run(self._package.refresh())

    def revise(self, **changes: Unpack[Changes]) -> None:
        """Submits the next version: the fields as they were, with these changes."""
        self._runner.run(self._package.revise(changes))

    def cancel(self, reason: str) -> None:
        """Withdraws the package."""
        self._runner.run(self._package.cancel(reason))

    def claim(self, action_digest: str | None = None) -> dict[str, Any]:
        """Claims the permission and returns the approved parameters. Only one attempt can claim it.

        Pass the digest (`countersign.action_digest`) of the call that is about to run to have it checked as well.
        """
        return self._runner.run(self._package.claim(action_digest))

    def report(self, state: Reported, detail: str | None = None) -> None:
        """Reports the outcome of the claimed action. `detail` is a sentence for the people who approved it."""
        self._runner.run(self._package.report(state, detail))

    def succeeded(self, detail: str | None = None) -> None:
        self.report("succeeded", detail)

    def failed(self, detail: str | None = None) -> None:
        self.report("failed", detail)

    def rolled_back(self, detail: str | None = None) -> None:
        self.report("rolled_back", detail)

    def handed_back(self, timeout: float | None = None) -> None:
        """Waits until the person who took over the thread hands it back.

        Raises `NotTakenOverError` if nobody takes it over, because time ran out or people decided something else.
        Raises `StillPendingError` after `timeout` seconds; without a timeout it waits as long as a person holds the
        thread.
        """
        self._runner.run(self._package.wait_until_handed_back(timeout))

    def recovered(self, timeout: float | None = None) -> Recovery | None:
        """Waits until people have decided what to do after a failure. None if the outcome became another one meanwhile.

        Raises `StillPendingError` after `timeout` seconds.
        """
        return self._runner.run(self._package.wait_for_recovery(timeout))

    def attempts(self, *, retries: int = 1, timeout: float | None = None) -> Iterator[AbstractContextManager[Any]]:
        """Runs a block again if it fails and people allow a retry, at most `retries` times.

            for attempt in handle.attempts(retries=2):
                with attempt as parameters:
                    pay(**parameters)

        After each failure it waits for people, `timeout` seconds at most. If they allow no retry, or it was the last
        attempt, the block's exception is raised. `handle.recovery` says what they decided.
        """
        failures: list[Exception] = []
        for left in range(retries, -1, -1):
            yield self._attempt(failures, is_last=left == 0)
            if not failures:
                return
            fault = failures.pop()
            if not self._runner.run(self._package.may_retry(fault, timeout)):
                raise fault

    @contextmanager
    def _attempt(self, failures: list[Exception], *, is_last: bool) -> Iterator[dict[str, Any]]:
        try:
            with self.executing() as parameters:
                yield parameters
        except CountersignError:
            raise
        except Exception as fault:
            if is_last:
                raise
            failures.append(fault)

    @contextmanager
    def executing(self) -> Iterator[dict[str, Any]]:
        """Claims the permission for a `with` block and gives it the approved parameters.

        When the block ends it reports `succeeded`, or `failed` if the block raised.
        """
        parameters = self.claim()
        try:
            yield parameters
        except Exception as fault:
            self._runner.run(self._package.report_failure(fault))
            raise
        self._runner.run(self._package.report_success())


class AsyncHandle(BaseHandle):
    """`Handle` for async code."""

    def __init__(self, runner: AsyncRunner, package: Package) -> None:
        super().__init__(package)
        self._runner = runner

    async def wait(
        self,
        timeout: float | None = None,  # noqa: ASYNC109 - this timeout ends one wait, not the task
        *,
        on_message: OnMessage | None = None,
    ) -> Outcome:
        return await self._runner.run(self._package.wait(timeout, on_message))

    async def messages(self) -> list[Message]:
        return await self._runner.run(self._package.messages())

    async def say(self, text: str, *, in_reply_to: str | None = None) -> None:
        await self._runner.run(self._package.say(text, in_reply_to))

    async def settle(
        self,
        rework: Rework | None = None,
        *,
        revisions: int = 3,
        timeout: float | None = None,  # noqa: ASYNC109
        on_message: OnMessage | None = None,
    ) -> Outcome:
        flow = rework and rework_flow(rework)
        return await self._runner.run(wait_until_settled(self._package, flow, revisions, timeout, on_message))

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
        await self._runner.run(self._package.wait_until_handed_back(timeout))

    async def recovered(self, timeout: float | None = None) -> Recovery | None:  # noqa: ASYNC109
        return await self._runner.run(self._package.wait_for_recovery(timeout))

    async def attempts(
        self,
        *,
        retries: int = 1,
        timeout: float | None = None,  # noqa: ASYNC109
    ) -> AsyncIterator[AbstractAsyncContextManager[Any]]:
        failures: list[Exception] = []
        for left in range(retries, -1, -1):
            yield self._attempt(failures, is_last=left == 0)
            if not failures:
                return
            fault = failures.pop()
            if not await self._runner.run(self._package.may_retry(fault, timeout)):
                raise fault

    @asynccontextmanager
    async def _attempt(self, failures: list[Exception], *, is_last: bool) -> AsyncIterator[dict[str, Any]]:
        try:
            async with self.executing() as parameters:
                yield parameters
        except CountersignError:
            raise
        except Exception as fault:
            if is_last:
                raise
            failures.append(fault)

    @asynccontextmanager
    async def executing(self) -> AsyncIterator[dict[str, Any]]:
        parameters = await self.claim()
        try:
            yield parameters
        except Exception as fault:
            await self._runner.run(self._package.report_failure(fault))
            raise
        await self._runner.run(self._package.report_success())
