"""The way in over Socket Mode: a live connection, and no other program that takes some of the clicks.

Slack gives each click to any one of the app's connections. Its hello counts them all; what it counts beyond those of
our replicas belongs to another program. A replica whose lease ran out no longer counts as ours: it may still hold its
connection and be given clicks. Slack tells the count only at the beginning of a connection, so a new one is opened to
ask for it again.
"""

from __future__ import annotations

import time

from bot.slack.transport.socket import Socket
from scheduler.time.way_in import Proof
from store.installation import presence
from store.store import Store

COUNTED_EVERY = 300.0  # seconds, while a package waits for silence
DOUBTED_EVERY = 60.0


class SocketWay:
    def __init__(self, store: Store, socket: Socket) -> None:
        self._store, self._socket = store, socket
        self.trouble: str | None = None

    @property
    def sockets(self) -> int:
        return len(self._socket.connected)

    def heard(self) -> None:
        """A connection proves itself."""

    async def answered(self, _: str) -> bool:
        return False

    async def look(self, *, wanted: bool, again: bool) -> Proof | None:  # noqa: ARG002 - a connection is looked at as it is
        self.trouble = await self._trouble()
        if wanted or self.trouble:
            self._socket.renew(DOUBTED_EVERY if self.trouble else COUNTED_EVERY)
        return None if self.trouble else Proof(self._store.clock(), time.monotonic())

    async def _trouble(self) -> str | None:
        if not self._socket.connected:
            return "no connection to Slack is open"
        house, now, others = self._store.house, self._store.clock(), self._socket.others
        if others:
            known = await self._store.read(
                lambda its: presence.sockets_of_others(its, house.tenant_id, house.process_id, now)
            )
            if others > known:
                return (
                    f"{others - known} of the app's connections belong to another program, or to a replica that hangs;"
                    " it takes some clicks"
                )
        return None
