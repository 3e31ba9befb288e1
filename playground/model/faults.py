"""What goes wrong with Slack, at a test's word."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from playground.model.clock import Clock

GROUPS = ("usergroups.list", "usergroups.users.list")


@dataclass(slots=True)
class Gate:
    """A call that waits before it is carried out, for as long as the test wants."""

    _reached: asyncio.Event = field(default_factory=asyncio.Event)
    _opened: asyncio.Event = field(default_factory=asyncio.Event)

    async def reached(self, within: float = 5.0) -> None:
        async with asyncio.timeout(within):
            await self._reached.wait()

    def open(self) -> None:
        self._opened.set()

    async def passed(self) -> None:
        self._reached.set()
        await self._opened.wait()


@dataclass(slots=True, kw_only=True)
class Fault:
    """For the calls of one method, or of all; so many times, or until it is cleared."""

    method: str | None = None
    times: int | None = 1
    until: float | None = None
    error: str | None = None
    status: int | None = None
    page: str = ""
    content_type: str = "text/html"
    broken_off: bool = False
    carried_out: bool = False
    lost: bool = False
    seconds: float = 0.0
    gate: Gate | None = None
    fields: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Faults:
    clock: Clock
    refusing: bool = False
    _waiting: list[Fault] = field(default_factory=list)

    def error(
        self, method: str | None, error: str, *, times: int | None = 1, carried_out: bool = False, **fields: Any
    ) -> None:
        """The method answers this error; `carried_out` does first what was asked, as a fatal_error may have."""
        self._add(Fault(method=method, error=error, times=times, carried_out=carried_out, fields=fields))

    def status(self, status: int, method: str | None = None, *, times: int | None = 1, **page: Any) -> None:
        """An answer that is not Slack's JSON, as from a server that is not well.

        `page` and `content_type` are its body; `broken_off` ends the connection in the middle of it.
        """
        self._add(Fault(method=method, status=status, times=times, **{"page": "<h1>Server Error</h1>", **page}))

    def lose_reply(self, method: str | None, *, times: int | None = 1) -> None:
        """What was asked is done, and the connection is cut before anything is said of it."""
        self._add(Fault(method=method, lost=True, times=times))

    def rate_limited(self, method: str | None = None, *, seconds: float = 30) -> None:
        """429 until so much of Slack's time has passed."""
        self._add(Fault(method=method, times=None, error="ratelimited", status=429, until=self.clock() + seconds))

    def slow(self, method: str | None, *, seconds: float, times: int | None = 1) -> None:
        """In real time. Where a test only needs an order of things, `hold` is better."""
        self._add(Fault(method=method, seconds=seconds, times=times))

    def hold(self, method: str | None, *, times: int | None = 1) -> Gate:
        gate = Gate()
        self._add(Fault(method=method, gate=gate, times=times))
        return gate

    def groups_unreadable(self, error: str = "plan_upgrade_required") -> None:
        """As on a plan without user groups."""
        for method in GROUPS:
            self.error(method, error, times=None)

    def clear(self, method: str | None = None) -> None:
        """Everything is well again; or one method is."""
        for fault in self._waiting:
            if fault.gate and method in (None, fault.method):
                fault.gate.open()
        self._waiting = [each for each in self._waiting if method not in (None, each.method)]

    def _add(self, fault: Fault) -> None:
        self._waiting.append(fault)

    def befalling(self, method: str) -> list[Fault]:
        """What befalls this call. Each is used up once more."""
        now = self.clock()
        self._waiting = [each for each in self._waiting if each.until is None or each.until > now]
        befalling = [each for each in self._waiting if each.method in (None, method)]
        for fault in befalling:
            if fault.times is not None:
                fault.times -= 1
        self._waiting = [each for each in self._waiting if each.times is None or each.times > 0]
        return befalling

    def limited_for(self, fault: Fault) -> int:
        return max(1, math.ceil((fault.until or 0) - self.clock()))

    def __iter__(self) -> Iterator[Fault]:
        return iter(self._waiting)
