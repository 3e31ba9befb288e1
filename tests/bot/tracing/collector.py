"""A collector of OpenTelemetry: it takes spans over OTLP/HTTP, and answers as the test says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


class ExportedSpan(NamedTuple):
    name: str
    trace_id: str
    span_id: str
    parent_id: str
    facts: dict[str, Any]
    seconds: float
    service: str


class Collector:
    def __init__(self) -> None:
        self.url = ""
        self.status = 200
        self.hangs = False
        self.bodies: list[bytes] = []
        self.spans: list[ExportedSpan] = []
        self._arrived = asyncio.Condition()

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        async with self._arrived:
            self.bodies.append(body)
            self.spans += _spans_of(body)
            self._arrived.notify_all()
        if self.hangs:
            await asyncio.Event().wait()
        return web.Response(status=self.status)

    async def wait_for(self, *names: str) -> dict[str, ExportedSpan]:
        """Wait for one span of each of these names; the last of each."""
        wanted = {f"countersign.{name}" for name in names}
        async with asyncio.timeout(30), self._arrived:
            await self._arrived.wait_for(lambda: wanted <= {span.name for span in self.spans})
        return {span.name.removeprefix("countersign."): span for span in self.spans}

    async def wait_for_request(self) -> None:
        async with asyncio.timeout(30), self._arrived:
            await self._arrived.wait_for(lambda: bool(self.bodies))


def _spans_of(body: bytes) -> list[ExportedSpan]:
    return [
        ExportedSpan(
            span.name,
            span.trace_id.hex(),
            span.span_id.hex(),
            span.parent_span_id.hex(),
            {fact.key: fact.value.string_value or fact.value.int_value for fact in span.attributes},
            (span.end_time_unix_nano - span.start_time_unix_nano) / 1e9,
            next(fact.value.string_value for fact in part.resource.attributes if fact.key == "service.name"),
        )
        for part in ExportTraceServiceRequest.FromString(body).resource_spans
        for scope in part.scope_spans
        for span in scope.spans
    ]


@asynccontextmanager
async def open_collector() -> AsyncIterator[Collector]:
    collector = Collector()
    app = web.Application()
    app.router.add_post("/v1/traces", collector.take)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.01)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    collector.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield collector
    finally:
        await runner.cleanup()
