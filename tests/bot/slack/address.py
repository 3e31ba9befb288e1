"""The service's public address in tests: a small reverse proxy in front of the service, which can be made to fail."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
from aiohttp import web

KEPT = (
    "X-Slack-Request-Timestamp",
    "X-Slack-Signature",
    "Host",
    "Content-Type",
    "x-slack-retry-num",
    "x-slack-retry-reason",
)


@dataclass
class Address:
    """`broken` is the status that the proxy answers with instead of passing requests on."""

    url: str
    http: aiohttp.ClientSession
    behind: str | None = None
    broken: int | None = None
    passed: list[bytes] = field(default_factory=list)

    @property
    def events(self) -> str:
        return f"{self.url}/slack/events"

    async def pass_on(self, request: web.Request) -> web.Response:
        if self.broken or self.behind is None:
            return web.Response(status=self.broken or 502)
        headers = {name: request.headers[name] for name in KEPT if name in request.headers}
        body = await request.read()
        self.passed.append(body)
        try:
            async with self.http.post(self.behind + request.path, data=body, headers=headers) as answer:
                content = await answer.read()
                return web.Response(status=answer.status, body=content, content_type=answer.content_type)
        except aiohttp.ClientError:
            return web.Response(status=502)


@asynccontextmanager
async def public_address(port: int = 0) -> AsyncIterator[Address]:
    connector = aiohttp.TCPConnector(limit=0, force_close=True)
    async with aiohttp.ClientSession(connector=connector) as http:
        address = Address("", http)
        app = web.Application(client_max_size=4 * 1024 * 1024)
        app.router.add_post("/{path:.*}", address.pass_on)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", port).start()
            address.url = "http://127.0.0.1:{1}".format(*runner.addresses[0][:2])
            yield address
        finally:
            await runner.cleanup()
