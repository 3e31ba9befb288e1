"""Threads that carry out what the loop asks for: a group at a time, and each group is answered with one call back.

To wake a thread or a loop costs more than most of the operations: what waits together is taken together.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from queue import SimpleQueue
from typing import Any, TypeVar

import structlog
from sqlalchemy import Connection

log = structlog.get_logger()

T = TypeVar("T")
Operation = Callable[[Connection], T]

READERS = 2
READ_GROUP = 16  # few, because the last of them waits for the first


_HERE = "countersign.in_the_loop"


class SlowError(Exception):
    """An operation is not quick after all: it is rolled back and runs in a thread."""


def require_thread(connection: Connection) -> None:
    """Called by an operation before work that would stop the loop for long."""
    if connection.info.get(_HERE):
        raise SlowError


@contextmanager
def on_event_loop(connection: Connection) -> Iterator[None]:
    connection.info[_HERE] = True
    try:
        yield
    finally:
        del connection.info[_HERE]


class UnavailableError(Exception):
    """The database did not answer. Nothing is known to have been written; the same command can be sent again."""


class Job:
    """An operation, and whoever waits for it."""

    def __init__(self, operation: Operation[Any], loop: asyncio.AbstractEventLoop, *, quick: bool = False) -> None:
        self.operation, self.loop, self.quick = operation, loop, quick
        self.answer: asyncio.Future[Any] = loop.create_future()
        self.result: Any = None
        self.fault: BaseException | None = None

    def attempt(self, run: Callable[[Operation[Any]], Any]) -> bool:
        """Whether it went well. Its fault is its own: it is kept for the caller, whatever it is."""
        try:
            self.result = run(self.operation)
        except StopIteration as fault:
            # A future refuses to carry this one, and whoever awaits it would wait for ever.
            self.fault = RuntimeError("an operation let a StopIteration escape")
            self.fault.__cause__ = fault
        except BaseException as fault:  # noqa: BLE001 - it is handed to the caller
            self.fault = fault
        return self.fault is None

    def settle(self) -> None:
        """In the caller's loop. A caller who has gone meanwhile is told nothing, and harms nobody."""
        if self.answer.done():
            return
        if self.fault:
            self.answer.set_exception(self.fault)
        else:
            self.answer.set_result(self.result)


Group = list[Job]


class Workers:
    """`run` is given each group, and leaves in each of its members a result or a fault.

    Members that it removes from the group are not answered: other workers have taken them over.
    """

    def __init__(self, name: str, run: Callable[[Group], None], *, threads: int, most: int) -> None:
        self._run, self._most, self._closed = run, most, False
        self._asked: SimpleQueue[Job | None] = SimpleQueue()
        self._threads = [threading.Thread(target=self._work, name=name, daemon=True) for _ in range(threads)]
        for thread in self._threads:
            thread.start()

    async def submit(self, operation: Operation[T]) -> T:
        if self._closed:
            raise UnavailableError("the database was closed: this process is ending")
        waiting = Job(operation, asyncio.get_running_loop())
        self._asked.put(waiting)
        return await waiting.answer  # type: ignore[no-any-return]

    def take_over(self, group: Group) -> None:
        """From workers that close before these."""
        for waiting in group:
            self._asked.put(waiting)

    async def close(self) -> None:
        """What was asked before is carried out; what is asked from now on is refused instead of waiting for ever."""
        self._closed = True
        self._asked.put(None)
        for thread in self._threads:
            await asyncio.to_thread(thread.join)

    def _work(self) -> None:
        while (first := self._asked.get()) is not None:
            group = [first]
            while len(group) < self._most and not self._asked.empty():
                following = self._asked.get()
                if following is None:
                    self._asked.put(None)
                    break
                group.append(following)
            self._carry_out(group)
            _answer(group)
        self._asked.put(None)  # for the next thread

    def _carry_out(self, group: Group) -> None:
        try:
            self._run(group)
        except BaseException as fault:  # noqa: BLE001 - a thread that died would leave everybody waiting for ever
            log.warning("database.unavailable", error=str(getattr(fault, "orig", fault)))
            for waiting in group:
                waiting.fault = UnavailableError("the database did not carry it out")


def _answer(group: Group) -> None:
    for loop in {waiting.loop for waiting in group}:
        its = [waiting for waiting in group if waiting.loop is loop]
        with suppress(RuntimeError):  # the loop was closed, and with it everybody who waited there
            loop.call_soon_threadsafe(_settle, its)


def _settle(group: Group) -> None:
    for waiting in group:
        waiting.settle()
