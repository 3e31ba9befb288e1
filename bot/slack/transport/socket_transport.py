"""The Socket Mode transport: proof that clicks reach us. A connection is open, and no other program takes clicks.

Slack gives each click to any one of the app's connections. Its hello tells how many there are; those beyond the
connections of our replicas belong to another program. A replica whose lease expired no longer counts as ours: it may
still hold its connection and receive clicks. Slack tells the number only at the start of a connection, so a new
connection is opened to ask again.
"""

from __future__ import annotations

import time

from bot.slack.transport.socket import Socket
from scheduler.time.click_transport import Proof
from store.installation import presence
from store.store import Store

COUNTED_EVERY = 300.0  # seconds, while a package waits for silence
DOUBTED_EVERY = 60.0  # seconds, while `trouble` is set


class SocketTransport:
    def __init__(self, store: Store, socket: Socket) -> None:
        self._store, self._socket = store, socket
        self.trouble: str | None = None

    @property
    def sockets(self) -> int:
        return len(self._socket.connected)

    @property
    def hears(self) -> bool | None:
        return bool(self._socket.connected)

    def request_served(self) -> None:
        """Nothing to note: an open connection is proof enough."""

    async def probe_arrived(self, _: str) -> bool:
        return False

    async def prove(self, *, wanted: bool, again: bool, pending: bool) -> Proof | None:  # noqa: ARG002
        """`again` and `pending` change nothing: an open connection is proof enough, and its end is noticed at once."""
        self.trouble = await self._trouble()
        if wanted or self.trouble:
            self._socket.renew(DOUBTED_EVERY if self.trouble else COUNTED_EVERY)
        return None if self.trouble else Proof(self._store.clock(), time.monotonic())

    async def _trouble(self) -> str | None:
        if not self._socket.connected:
            return "no connection to Slack is open"
        installation, now, others = self._store.installation, self._store.clock(), self._socket.others
        if others:
            ours = await self._store.read(
                lambda connection: presence.count_other_sockets(
                    connection, installation.tenant_id, installation.process_id, now
                )
            )
            if others > ours:
                return (
                    f"{others - ours} of the app's connections belong to another program, or to a replica that hangs;"
                    " it takes some clicks"
                )
        return None
