"""The end of a process: what is under way is finished first, and no connection brings anything new."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Self

from aiohttp import web
from aiohttp.typedefs import Handler


class UnderWay:
    """The requests that are under way. One counts from its headers on: its body may still be coming."""

    def __init__(self) -> None:
        self._count, self.ending, self._none = 0, False, asyncio.Event()
        self._none.set()

    def __enter__(self) -> Self:
        self._count += 1
        self._none.clear()
        return self

    def __exit__(self, *_: object) -> None:
        self._count -= 1
        if not self._count:
            self._none.set()

    async def finished(self, within: float) -> None:
        self.ending = True
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                await self._none.wait()


UNDER_WAY = web.AppKey("under_way", UnderWay)


@web.middleware
async def counted(request: web.Request, handler: Handler) -> web.StreamResponse:
    under_way = request.app[UNDER_WAY]
    with under_way:
        response = await handler(request)
    if under_way.ending:
        response.force_close()
    return response
