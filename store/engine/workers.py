"""Threads that run operations in groups, and answer each group with one callback to the event loop.

Waking a thread or a loop takes longer than most operations, so all that wait are taken together.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from typing import Any, TypeVar

import structlog
from sqlalchemy import Connection

log = structlog.get_logger()

T = TypeVar("T")
Operation = Callable[[Connection], T]

READERS = 2
READ_GROUP = 16  # few, because the first operation waits for the last one


class SlowError(Exception):
    """An operation turns out to be slow: it is rolled back and runs in a thread."""


def require_thread() -> None:
    """Called by an operation before work that would block the event loop for long."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return  # this thread runs no loop
    raise SlowError


class UnavailableError(Exception):
    """The database did not answer. Whether anything was written is unknown; the command can be repeated."""


class Job:
    """An operation and the future on which its caller waits.

    `alone`: it shares its transaction with no other. `rolled_back`: how often the fault of another took it along.
    """

    def __init__(self, operation: Operation[Any], loop: asyncio.AbstractEventLoop, *, quick: bool = False) -> None:
        self.operation, self.loop, self.quick = operation, loop, quick
        self.alone, self.rolled_back = False, 0
        self.answer: asyncio.Future[Any] = loop.create_future()
        self.result: Any = None
        self.fault: BaseException | None = None

    def attempt(self, run: Callable[[Operation[Any]], Any]) -> bool:
        """Run the operation, keep its result or its fault for the caller, and return whether it succeeded."""
        try:
            self.result = run(self.operation)
        except StopIteration as fault:
            # A future does not accept StopIteration, so the caller would wait for ever.
            self.fault = RuntimeError("an operation let a StopIteration escape")
            self.fault.__cause__ = fault
        except BaseException as fault:  # noqa: BLE001 - it is passed to the caller
            self.fault = fault
        return self.fault is None

    def settle(self) -> None:
        """Answer the caller, in the caller's loop. A caller that was cancelled is not answered."""
        if self.answer.done():
            return
        if self.fault:
            self.answer.set_exception(self.fault)
        else:
            self.answer.set_result(self.result)


Group = list[Job]


class Workers:
    """`run` gets each group of jobs and gives each job a result or a fault.

    Each thread takes its share of what waits, so that none is idle while another works through a long group.

    Jobs that it removes from the group are not answered here: other workers have taken them over.
    """

    def __init__(self, name: str, run: Callable[[Group], None], *, threads: int, limit: int) -> None:
        self._run, self._most, self._closed = run, limit, False
        self._asked: SimpleQueue[Job | None] = SimpleQueue()
        self._threads = [threading.Thread(target=self._work, name=name, daemon=True) for _ in range(threads)]
        for thread in self._threads:
            thread.start()

    async def submit(self, operation: Operation[T]) -> T:
        if self._closed:
            raise UnavailableError("the database was closed: this process is ending")
        job = Job(operation, asyncio.get_running_loop())
        self._asked.put(job)
        return await job.answer  # type: ignore[no-any-return]

    def take_over(self, group: Group) -> None:
        """Accept jobs of other workers, which must be closed before these."""
        for job in group:
            self._asked.put(job)

    async def close(self) -> None:
        """Finish the operations that are waiting, and refuse new ones instead of letting them wait for ever."""
        self._closed = True
        self._asked.put(None)
        for thread in self._threads:
            await asyncio.to_thread(thread.join)

    def _work(self) -> None:
        while (first := self._asked.get()) is not None:
            group = [first]
            share = min(self._most, 1 + self._asked.qsize() // len(self._threads))
            while len(group) < share and not self._asked.empty():
                next_job = self._asked.get()
                if next_job is None:
                    self._asked.put(None)
                    break
                group.append(next_job)
            self._carry_out(group)
            _answer(group)
        self._asked.put(None)  # for the next thread

    def _carry_out(self, group: Group) -> None:
        try:
            self._run(group)
        except BaseException as fault:  # noqa: BLE001 - the thread must not die: every caller would wait for ever
            log.warning("database.unavailable", error=str(getattr(fault, "orig", fault)))
            for job in group:
                job.fault = UnavailableError("the database did not carry it out")


def _answer(group: Group) -> None:
    for loop in {job.loop for job in group}:
        jobs = [job for job in group if job.loop is loop]
        with suppress(RuntimeError):  # the loop was closed, so its callers are gone
            loop.call_soon_threadsafe(_settle, jobs)


def _settle(group: Group) -> None:
    for job in group:
        job.settle()
