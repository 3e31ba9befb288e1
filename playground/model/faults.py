"""Faults of Slack that a test or the page switches on.

`Faults` are set by `SlackSetup` or the page; `playground.api.replies` asks before each call which of them apply, and
`times` counts down.
"""

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
    """Holds a call before it is carried out, until the test opens the gate."""

    _reached: asyncio.Event = field(default_factory=asyncio.Event)
    _opened: asyncio.Event = field(default_factory=asyncio.Event)

    async def wait_until_reached(self, within: float = 5.0) -> None:
        async with asyncio.timeout(within):
            await self._reached.wait()

    def open(self) -> None:
        self._opened.set()

    async def pass_through(self) -> None:
        self._reached.set()
        await self._opened.wait()


@dataclass(slots=True, kw_only=True)
class Fault:
    """Affects calls of one method or of all methods, a number of times or until it is cleared."""

    method: str | None = None
    times: int | None = 1
    until: float | None = None  # on Slack's clock
    error: str | None = None
    status: int | None = None
    page: str = ""
    content_type: str = "text/html"
    broken_off: bool = False
    carried_out: bool = False
    lost: bool = False  # the answer; the call is carried out
    seconds: float = 0.0  # of delay
    gate: Gate | None = None
    fields: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Faults:
    clock: Clock
    refusing: bool = False
    unknown_blocks: set[str] = field(default_factory=set)  # types of blocks that this Slack does not know
    _waiting: list[Fault] = field(default_factory=list)

    def error(
        self, method: str | None, error: str, *, times: int | None = 1, carried_out: bool = False, **fields: Any
    ) -> None:
        """The method answers with this error. With `carried_out` it does its work first, as a fatal_error may have."""
        self._add(Fault(method=method, error=error, times=times, carried_out=carried_out, fields=fields))

    def status(self, status: int, method: str | None = None, *, times: int | None = 1, **page: Any) -> None:
        """An answer that is not Slack's JSON, as from a failing server.

        `page` and `content_type` are its body; `broken_off` ends the connection in the middle of it.
        """
        self._add(Fault(method=method, status=status, times=times, **{"page": "<h1>Server Error</h1>", **page}))

    def lose_reply(self, method: str | None, *, times: int | None = 1) -> None:
        """The call is carried out, but the connection is cut before the answer."""
        self._add(Fault(method=method, lost=True, times=times))

    def rate_limited(self, method: str | None = None, *, seconds: float = 30) -> None:
        """Answer 429 until this much of Slack's time has passed."""
        self._add(Fault(method=method, times=None, error="ratelimited", status=429, until=self.clock() + seconds))

    def slow(self, method: str | None, *, seconds: float, times: int | None = 1) -> None:
        """Delays in real time. If a test only needs an order of events, use `hold`."""
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
        """Remove all faults, or those of one method."""
        if method is None:
            self.unknown_blocks.clear()
        for fault in self._waiting:
            if fault.gate and method in (None, fault.method):
                fault.gate.open()
        self._waiting = [fault for fault in self._waiting if method not in (None, fault.method)]

    def _add(self, fault: Fault) -> None:
        self._waiting.append(fault)

    def take_for(self, method: str) -> list[Fault]:
        """The faults that affect this call. Each is used up once."""
        now = self.clock()
        self._waiting = [fault for fault in self._waiting if fault.until is None or fault.until > now]
        faults = [fault for fault in self._waiting if fault.method in (None, method)]
        for fault in faults:
            if fault.times is not None:
                fault.times -= 1
        self._waiting = [fault for fault in self._waiting if fault.times is None or fault.times > 0]
        return faults

    def limited_for(self, fault: Fault) -> int:
        return max(1, math.ceil((fault.until or 0) - self.clock()))

    def __iter__(self) -> Iterator[Fault]:
        return iter(self._waiting)
