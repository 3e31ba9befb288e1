"""One address for playground and service: the playground has its own paths, the service all others."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from errno import EADDRINUSE

from aiohttp import web

from bot.api.requests import MAX_BODY
from bot.demo.faults import DemoError
from bot.logs import request_log
from playground.server import MAX_REQUEST

HOST = "127.0.0.1"  # the demo must not be reachable from other machines
LINGER = 0.3  # seconds for the last answers


class DemoServer:
    """The playground is served first: the service needs its Slack before it can start."""

    def __init__(self, routes: Iterable[web.RouteDef]) -> None:
        self.app = web.Application(client_max_size=MAX_REQUEST)
        self.app.add_routes([*routes, web.get("/", _open_playground), web.route("*", "/{path:.*}", self._pass_on)])
        self._service: web.Application | None = None

    def add_service(self, service: web.Application) -> None:
        service.freeze()
        self._service = service

    async def _pass_on(self, request: web.Request) -> web.StreamResponse:
        """Hand the request to the service's own middlewares, with the service's own limits."""
        if self._service is None:
            raise web.HTTPServiceUnavailable(text="The demo is still starting.\n", headers={"Retry-After": "1"})
        limited = request.clone(client_max_size=MAX_BODY)
        return await self._service._handle(limited)  # noqa: SLF001 - aiohttp mounts no application after its start

    @asynccontextmanager
    async def listening(self, port: int) -> AsyncIterator[str]:
        runner = web.AppRunner(self.app, access_log=None, shutdown_timeout=LINGER, logger=request_log())
        await runner.setup()
        try:
            yield await _url(runner, port)
        finally:
            await runner.cleanup()


async def _open_playground(_: web.Request) -> web.StreamResponse:
    raise web.HTTPFound("/playground")


async def _url(runner: web.AppRunner, port: int) -> str:
    try:
        await web.TCPSite(runner, HOST, port).start()
    except OSError as fault:
        reason = "is taken by another program" if fault.errno == EADDRINUSE else f"cannot be used ({fault.strerror})"
        raise DemoError(f"port {port} {reason}; choose another with --port") from fault
    return f"http://{HOST}:{runner.addresses[0][1]}"
