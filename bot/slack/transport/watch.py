"""Checks with each heartbeat whether Slack lets the app work: its token and its Socket Mode connection."""

from __future__ import annotations

from contextlib import suppress

from bot.slack.outgoing.client import SlackClient
from bot.slack.transport.socket import Socket
from scheduler.cards.troubles import update_trouble
from scheduler.common.messenger import BusyError, SlackError, TokenError
from store.engine.workers import UnavailableError
from store.installation import presence
from store.outbox.troubles import APP, SOCKET
from store.store import Store


class Watch:
    def __init__(self, store: Store, client: SlackClient, socket: Socket | None) -> None:
        self._store, self._client, self._socket = store, client, socket

    async def look(self) -> bool:
        """Whether Slack accepts our calls. A Slack that does not answer has neither refused nor accepted."""
        if self._socket:
            with suppress(UnavailableError):  # the next check reports it
                await update_trouble(self._store, SOCKET, await self._socket_refusal(self._socket))
        try:
            await self._client.call(self._client.web.auth_test())
        except TokenError as fault:
            await update_trouble(self._store, APP, fault.error)
            return False
        except BusyError:
            return True  # Slack is there, and only asks for fewer calls
        except SlackError:
            return False
        await update_trouble(self._store, APP, None)
        return True

    async def _socket_refusal(self, socket: Socket) -> str | None:
        """If another process is connected, clicks arrive there."""
        store, installation = self._store, self._store.installation
        if socket.refusal is None:
            return None
        others = await store.read(
            lambda connection: presence.count_other_sockets(
                connection, installation.tenant_id, installation.process_id, store.clock()
            )
        )
        return None if others else socket.refusal
