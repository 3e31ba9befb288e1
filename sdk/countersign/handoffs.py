"""Handoffs: give a thread to another agent, receive one, and return it with a result.

`Handoff` and `AsyncHandoff` are the same in sync and in async code. What they ask of the service is in
`countersign.handoff_flows`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

from countersign.handoff_flows import HandoffDocument, HandoffFlows, HandoffStatus
from countersign.proposal import MAX_SENTENCE, one_line
from countersign.runners import AsyncRunner, Runner
from countersign.wire import Flow


class _BaseHandoff:
    """A handoff as this process last saw it."""

    def __init__(self, flows: HandoffFlows, document: HandoffDocument) -> None:
        self._flows, self.document = flows, document

    @property
    def handoff_id(self) -> str:
        return self.document["handoff_id"]

    @property
    def thread_id(self) -> str:
        return self.document["thread_id"]

    @property
    def status(self) -> HandoffStatus:
        return self.document["status"]

    @property
    def captured_state(self) -> dict[str, Any]:
        return self.document["captured_state"] or {}

    @property
    def user_context(self) -> dict[str, Any]:
        return self.document["user_context"] or {}

    def _act(self, verb: str, **body: Any) -> Flow[HandoffDocument]:
        sent = {name: value for name, value in body.items() if value is not None}
        self.document = yield from self._flows.act(self.handoff_id, verb, sent)
        return self.document

    def _wait(self, timeout: float | None) -> Flow[HandoffDocument]:
        self.document = yield from self._flows.until_not(self.document, timeout)
        return self.document


class Handoff(_BaseHandoff):
    """A handoff in sync code. `Client.hand_off` and `Client.receive_handoffs` return it."""

    def __init__(self, runner: Runner, flows: HandoffFlows, document: HandoffDocument) -> None:
        super().__init__(flows, document)
        self._runner = runner

    def wait(self, timeout: float | None = None) -> HandoffDocument:
        """Waits until the status changes: until it is answered and, for a delegate, again until it is returned."""
        return self._runner.run(self._wait(timeout))

    def accept(self) -> HandoffDocument:
        """Takes the thread and its open packages. Raises HandoffError or OutOfScopeError if that is not possible."""
        return self._runner.run(self._act("accept"))

    def decline(self, reason: str | None = None) -> HandoffDocument:
        return self._runner.run(self._act("decline", reason=reason and one_line(reason, MAX_SENTENCE)))

    def return_result(self, result: str, state: Mapping[str, Any] | None = None) -> HandoffDocument:
        """Gives a delegated thread back. `result` is for people, too."""
        return self._runner.run(self._act("return", result=one_line(result, MAX_SENTENCE), result_state=state))


class AsyncHandoff(_BaseHandoff):
    """`Handoff` for async code."""

    def __init__(self, runner: AsyncRunner, flows: HandoffFlows, document: HandoffDocument) -> None:
        super().__init__(flows, document)
        self._runner = runner

    async def wait(self, timeout: float | None = None) -> HandoffDocument:  # noqa: ASYNC109
        return await self._runner.run(self._wait(timeout))

    async def accept(self) -> HandoffDocument:
        return await self._runner.run(self._act("accept"))

    async def decline(self, reason: str | None = None) -> HandoffDocument:
        return await self._runner.run(self._act("decline", reason=reason and one_line(reason, MAX_SENTENCE)))

    async def return_result(self, result: str, state: Mapping[str, Any] | None = None) -> HandoffDocument:
        return await self._runner.run(self._act("return", result=one_line(result, MAX_SENTENCE), result_state=state))


def receive(runner: Runner, flows: HandoffFlows, timeout: float | None) -> Iterator[Handoff]:
    """Offers to this agent, one by one. Answer each before you ask for the next, or it comes again."""
    while (document := runner.run(flows.receive(timeout))) is not None:
        yield Handoff(runner, flows, document)


async def receive_async(runner: AsyncRunner, flows: HandoffFlows, timeout: float | None) -> AsyncIterator[AsyncHandoff]:  # noqa: ASYNC109
    while (document := await runner.run(flows.receive(timeout))) is not None:
        yield AsyncHandoff(runner, flows, document)
