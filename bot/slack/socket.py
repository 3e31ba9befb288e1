"""Socket Mode: the way in where there is no public address. Watched, because it can fall silent unnoticed."""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress

import structlog
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp

log = structlog.get_logger()

LOOKS_EVERY = 5.0
GIVES_UP_AFTER = 3  # looks in a row at a socket that is not connected
LONGEST_PAUSE = 60.0


class Socket:
    """Keeps one connection alive: a handler that has lost its own is replaced whole, with a ticket of its own.

    Left alone, the client tries the same single-use ticket for ever.
    """

    def __init__(self, app: AsyncApp, token: str) -> None:
        self._app, self._token = app, token
        self._handler: AsyncSocketModeHandler | None = None
        self.connected = False

    async def run_for_ever(self) -> None:
        failures = 0
        try:
            while True:
                failures = 0 if await self._connection() else failures + 1
                await asyncio.sleep(random.uniform(0.5, 1) * min(LONGEST_PAUSE, 2.0**failures))  # noqa: S311
        finally:
            await self._close()

    async def _connection(self) -> bool:
        """One connection, for as long as it lives; whether it ever did."""
        try:
            self._handler = AsyncSocketModeHandler(self._app, self._token)
            async with asyncio.timeout(30):
                await self._handler.connect_async()  # type: ignore[no-untyped-call]
        except Exception as fault:  # noqa: BLE001 - whatever it was, the next attempt begins anew
            log.warning("socket.not_connected", error=str(fault) or type(fault).__name__)
            await self._close()
            return False
        self.connected = True
        log.info("socket.connected")
        await self._watch(self._handler)
        log.warning("socket.lost")
        await self._close()
        return True

    async def _watch(self, handler: AsyncSocketModeHandler) -> None:
        silent = 0
        while silent < GIVES_UP_AFTER:
            await asyncio.sleep(LOOKS_EVERY)
            silent = 0 if await handler.client.is_connected() else silent + 1
            self.connected = not silent

    async def _close(self) -> None:
        self.connected = False
        if self._handler is not None:
            with suppress(Exception):
                await self._handler.close_async()  # type: ignore[no-untyped-call]
        self._handler = None
