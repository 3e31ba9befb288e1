"""Threads: report checkpoints, learn whether a person holds the thread, and wait until it goes on."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import Any, Literal, TypeAlias, TypedDict
from urllib.parse import quote

from countersign.canonical import digest_of
from countersign.errors import StillPendingError, ThreadCancelledError, UnreachableError
from countersign.proposal import MAX_SENTENCE, one_line
from countersign.runners import AsyncRunner, Runner
from countersign.wire import Call, Flow, Patience, long_poll, send, send_for_all

THREADS = "/v1/threads"

ThreadStatus: TypeAlias = Literal["running", "held", "cancelled", "taken_over"]


class ThreadDocument(TypedDict):
    """A thread as the service describes it. It may have more fields."""

    thread_id: str
    state: ThreadStatus
    owner_agent: str
    reason: str | None
    instruction: str | None
    modified_state: dict[str, Any] | None
    resume_checkpoint_id: str | None
    latest_checkpoint_id: str | None
    rollback_requested: bool
    since: str | None
    agent_message: str
    packages: list[dict[str, Any]]
    revision: int


class ThreadFlows:
    """What an agent does with a thread, as flows (see `countersign.wire`)."""

    def __init__(self, thread_id: str, patience: Patience) -> None:
        self.thread_id, self._patience = thread_id, patience
        self._path = f"{THREADS}/{quote(thread_id, safe='')}"

    def read(self) -> Flow[ThreadDocument]:
        return (yield from send(Call(method="GET", path=self._path), self._patience))  # type: ignore[no-any-return]

    def history(self) -> Flow[list[dict[str, Any]]]:
        return (yield from send_for_all(f"{self._path}/history", "events", self._patience))

    def checkpoint(
        self, checkpoint_id: str, summary: str, state: Mapping[str, Any] | None, deadline: float | None = None
    ) -> Flow[ThreadDocument]:
        """The same checkpoint again, such as by a restarted agent, is recorded once."""
        sentence = one_line(summary, MAX_SENTENCE)
        body = {"checkpoint_id": checkpoint_id, "summary": sentence} | ({} if state is None else {"state": state})
        headers = {"Idempotency-Key": digest_of([self.thread_id, body])}
        call = Call(method="POST", path=f"{self._path}/checkpoints", body=body, headers=headers)
        return (yield from send(call, self._patience, deadline))  # type: ignore[no-any-return]

    def until_running(self, timeout: float | None) -> Flow[ThreadDocument]:
        """Waits until the thread runs. Raises ThreadCancelledError if it never will again."""
        deadline = math.inf if timeout is None else time.monotonic() + timeout
        document = yield from self.read()
        while document["state"] != "running":
            if document["state"] == "cancelled":
                raise ThreadCancelledError(409, "thread-cancelled", document["agent_message"])
            document = (yield from self._poll(document["revision"], deadline)) or document
        return document

    def _poll(self, seen: int, deadline: float) -> Flow[ThreadDocument | None]:
        call = Call(method="GET", path=self._path, headers={"If-None-Match": f'"{seen}"'})
        try:
            document = yield from long_poll(call, self._patience, deadline, lambda answer: answer is not None)
        except UnreachableError as fault:
            raise self._still_stopped(str(fault)) from fault
        if document is None and time.monotonic() >= deadline:
            raise self._still_stopped("nobody has resumed it yet")
        return document  # type: ignore[no-any-return]

    def _still_stopped(self, reason: str) -> StillPendingError:
        return StillPendingError(f"thread {self.thread_id} still waits for a person: {reason}.")


class Thread:
    """A thread in sync code. `Client.thread` returns it."""

    def __init__(self, runner: Runner, flows: ThreadFlows) -> None:
        self._runner, self._flows = runner, flows

    @property
    def thread_id(self) -> str:
        return self._flows.thread_id

    def read(self) -> ThreadDocument:
        """The thread as it is now. Raises NotFoundError if this agent owns no such thread."""
        return self._runner.run(self._flows.read())

    def history(self) -> list[dict[str, Any]]:
        """The audit events of the thread and of this agent's packages in it, oldest first."""
        return self._runner.run(self._flows.history())

    def checkpoint(self, checkpoint_id: str, summary: str, state: Mapping[str, Any] | None = None) -> ThreadDocument:
        """Reports a point from which the agent can go on. `summary` is for people."""
        return self._runner.run(self._flows.checkpoint(checkpoint_id, summary, state))

    def wait_until_running(self, timeout: float | None = None) -> ThreadDocument:
        """Waits while a person holds the thread or has taken it over, and returns it with what they said.

        Raises ThreadCancelledError if a person cancelled it, and StillPendingError after `timeout` seconds.
        """
        return self._runner.run(self._flows.until_running(timeout))


class AsyncThread:
    """`Thread` for async code."""

    def __init__(self, runner: AsyncRunner, flows: ThreadFlows) -> None:
        self._runner, self._flows = runner, flows

    @property
    def thread_id(self) -> str:
        return self._flows.thread_id

    async def read(self) -> ThreadDocument:
        return await self._runner.run(self._flows.read())

    async def history(self) -> list[dict[str, Any]]:
        return await self._runner.run(self._flows.history())

    async def checkpoint(
        self, checkpoint_id: str, summary: str, state: Mapping[str, Any] | None = None
    ) -> ThreadDocument:
        return await self._runner.run(self._flows.checkpoint(checkpoint_id, summary, state))

    async def wait_until_running(self, timeout: float | None = None) -> ThreadDocument:  # noqa: ASYNC109
        return await self._runner.run(self._flows.until_running(timeout))
