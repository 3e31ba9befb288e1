"""Turns tracing on if the environment names an OTLP endpoint, by the standard variables of OpenTelemetry.

Spans wait in a bounded queue, and a thread exports them. If the collector is away or slow, the queue fills and spans
are dropped.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

import structlog

from bot.tracing.tracing import Tracing, Untraced

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

log = structlog.get_logger()

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
FLUSH_WITHIN = 2.0  # seconds at the end for the last spans
MISSING = "the packages of OpenTelemetry are not installed: install countersign-server[otel]"


@asynccontextmanager
async def open_tracing(environment: Mapping[str, str]) -> AsyncIterator[Tracing]:
    """Yield `Spans` if tracing is on and can be, otherwise `Untraced`."""
    if not is_tracing_on(environment):
        yield Untraced()
        return
    try:
        provider = _provider(environment)
    except ImportError:
        log.warning("tracing.off", because=MISSING)
        yield Untraced()
        return
    from bot.tracing.spans import Spans  # noqa: PLC0415 - needs the extra

    log.info("tracing.on")
    try:
        yield Spans(provider.get_tracer("countersign"))
    finally:
        await _shut_down(provider)


def is_tracing_on(environment: Mapping[str, str]) -> bool:
    disabled = environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
    is_none = environment.get("OTEL_TRACES_EXPORTER", "").strip().lower() == "none"
    return any(environment.get(name) for name in ENDPOINTS) and not disabled and not is_none


def _provider(environment: Mapping[str, str]) -> TracerProvider:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - the extra
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    logging.getLogger("opentelemetry").setLevel(logging.ERROR)  # it warns of each span that it drops
    is_named = "OTEL_SERVICE_NAME" in environment or "service.name" in environment.get("OTEL_RESOURCE_ATTRIBUTES", "")
    resource = Resource.create({} if is_named else {"service.name": "countersign"})
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider


async def _shut_down(provider: TracerProvider) -> None:
    """Export the last spans, in a thread that does not keep the process from ending."""
    done, loop = asyncio.Event(), asyncio.get_running_loop()

    def shut_down() -> None:
        provider.shutdown()
        with suppress(RuntimeError):  # nobody waits any more, and the loop is closed
            loop.call_soon_threadsafe(done.set)

    threading.Thread(target=shut_down, name="tracing", daemon=True).start()
    try:
        async with asyncio.timeout(FLUSH_WITHIN):
            await done.wait()
    except TimeoutError:
        log.warning("tracing.spans_dropped", because=f"the collector did not take them within {FLUSH_WITHIN:g} s")
