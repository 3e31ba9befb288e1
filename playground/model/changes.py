"""Notifies listeners of changes: tests that wait, and pages that follow."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Change:
    """What happened, and the ids of what it happened to.

    Messages: message.posted, message.changed, message.deleted, note.shown. Views: view.opened, view.changed,
    view.closed, home.published. The scene: person.changed, channel.changed, group.changed. The app: api.called,
    socket.opened, socket.closed. And condition.changed, mail.arrived.
    """

    kind: str
    about: Mapping[str, str]


Listener = Callable[[Change], None]


class Changes:
    def __init__(self) -> None:
        self._listeners: list[Listener] = []
        self._waiting: set[asyncio.Future[None]] = set()

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call the listener at each change, until the returned function is called."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def announce(self, kind: str, **about: str) -> None:
        change = Change(kind, about)
        for listener in tuple(self._listeners):
            listener(change)
        for waiter in self._waiting:
            if not waiter.done():
                waiter.set_result(None)

    async def next(self) -> None:
        waiter = asyncio.get_running_loop().create_future()
        self._waiting.add(waiter)
        try:
            await waiter
        finally:
            self._waiting.discard(waiter)
