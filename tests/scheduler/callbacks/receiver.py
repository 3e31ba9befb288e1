"""A local receiver of callbacks that records requests and answers as the test says."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any, NamedTuple

from aiohttp import web
from standardwebhooks.webhooks import Webhook

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class ReceivedCallback(NamedTuple):
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def payload(self) -> dict[str, Any]:
        return dict(json.loads(self.body))

    @property
    def package(self) -> str:
        return str(self.payload["data"]["decision_package_id"])

    def verify(self, secret: str) -> Any:
        """Verified by a third-party library, which raises if the signature is wrong."""
        return Webhook(secret).verify(self.body, dict(self.headers))


class Receiver:
    def __init__(self) -> None:
        self.port = 0
        self.got: list[ReceivedCallback] = []
        self._answers: dict[str, deque[Answer]] = {}
        self._arrived = asyncio.Condition()

    def url(self, path: str = "/hook", host: str = "127.0.0.1", scheme: str = "http") -> str:
        return f"{scheme}://{host}:{self.port}{path}"

    def answers(self, *answers: Answer | int, path: str = "/hook", **headers: str) -> None:
        """The next answers at this path, in this order; then 200."""
        queue = self._answers.setdefault(path, deque())
        queue.extend(_status(answer, headers) if isinstance(answer, int) else answer for answer in answers)

    async def take(self, request: web.Request) -> web.StreamResponse:
        got = ReceivedCallback(request.path, dict(request.headers), await request.read())
        async with self._arrived:
            self.got.append(got)
            self._arrived.notify_all()
        queue = self._answers.get(request.path)
        return await queue.popleft()(request) if queue else web.Response()

    async def wait_for(self, count: int) -> None:
        """Waits until so many requests have arrived."""
        async with asyncio.timeout(30), self._arrived:
            await self._arrived.wait_for(lambda: len(self.got) >= count)

    def ids(self, path: str | None = None) -> list[str]:
        return [request.id for request in self.got if path in (None, request.path)]

    def event_types(self, package_id: str) -> list[str]:
        """The event types received for a package, in order."""
        return [request.payload["type"] for request in self.got if request.package == package_id]


def _status(status: int, headers: Mapping[str, str]) -> Answer:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(status=status, headers={name.replace("_", "-"): value for name, value in headers.items()})

    return answer


async def hangs(_: web.Request) -> web.StreamResponse:
    await asyncio.Event().wait()
    raise AssertionError


class HeldAnswer:
    """An answer that is sent when the test says so."""

    def __init__(self) -> None:
        self.begun, self.free = asyncio.Event(), asyncio.Event()

    async def __call__(self, _: web.Request) -> web.StreamResponse:
        self.begun.set()
        await self.free.wait()
        return web.Response()


@asynccontextmanager
async def open_receiver(tls: ssl.SSLContext | None = None) -> AsyncIterator[Receiver]:
    receiver = Receiver()
    app = web.Application(client_max_size=2**24)
    app.router.add_route("*", "/{path:.*}", receiver.take)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.01)
    await runner.setup()
    first = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await first.start()
    receiver.port = runner.addresses[0][1]
    await web.TCPSite(runner, "::1", receiver.port, ssl_context=tls).start()
    try:
        yield receiver
    finally:
        await runner.cleanup()


@asynccontextmanager
async def raw_server(*parts: bytes, for_ever: bytes = b"") -> AsyncIterator[tuple[str, asyncio.Event]]:
    """A server that says just this, whatever HTTP thinks of it, and perhaps one thing for ever.

    Its address, and the event that the caller has hung up on it; with nothing for ever, it hangs up itself.
    """
    hung_up = asyncio.Event()

    async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            await reader.readuntil(b"\r\n\r\n")
            writer.writelines(parts)
            while for_ever:
                writer.write(for_ever)
                await writer.drain()
        hung_up.set()
        writer.close()

    server = await asyncio.start_server(say, "127.0.0.1", 0)
    async with server:
        host, port = server.sockets[0].getsockname()[:2]
        yield f"http://{host}:{port}/hook", hung_up
