"""Counts requests in progress, so that they can finish before the process ends, and closes their connections then."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Self

from aiohttp import web
from aiohttp.typedefs import Handler


class ActiveRequests:
    """The requests in progress. A request counts once its headers are read: its body may still be arriving."""

    def __init__(self) -> None:
        self._count, self.draining, self._idle = 0, False, asyncio.Event()
        self._idle.set()

    def __enter__(self) -> Self:
        self._count += 1
        self._idle.clear()
        return self

    def __exit__(self, *_: object) -> None:
        self._count -= 1
        if not self._count:
            self._idle.set()

    async def drain(self, within: float) -> None:
        """Wait until no request is in progress, at most `within` seconds. Every answer closes its connection now."""
        self.draining = True
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                await self._idle.wait()


ACTIVE_REQUESTS = web.AppKey("active_requests", ActiveRequests)


@web.middleware
async def track_request(request: web.Request, handler: Handler) -> web.StreamResponse:
    active = request.app[ACTIVE_REQUESTS]
    with active:
        response = await handler(request)
    if active.draining:
        response.force_close()
    return response
