"""The SDK sends the trace of the agent, if the agent uses OpenTelemetry and a span is active."""

from __future__ import annotations

import sys

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, TraceState, use_span
from sqlalchemy import text

from countersign.tracing import trace_headers
from tests.sdk.agents import Agent


async def kept_trace(agent: Agent) -> str | None:
    """The trace that the service keeps with the only package."""
    store = agent.office.running.service.store
    query = text("SELECT traceparent FROM packages")
    trace: str | None = await store.read(lambda connection: connection.execute(query).scalar_one())
    return trace


async def test_a_package_is_submitted_in_the_trace_of_the_active_span(agent: Agent) -> None:
    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("agent")
    with tracer.start_as_current_span("run") as span:
        await agent.request()
    context = span.get_span_context()
    assert await kept_trace(agent) == f"00-{context.trace_id:032x}-{context.span_id:016x}-01"


async def test_without_an_active_span_no_trace_is_sent(agent: Agent) -> None:
    await agent.request()
    assert await kept_trace(agent) is None


def test_the_state_of_the_trace_is_sent_too() -> None:
    context = SpanContext(1, 2, is_remote=False, trace_flags=TraceFlags(0), trace_state=TraceState([("vendor", "1")]))
    with use_span(NonRecordingSpan(context)):
        assert trace_headers() == {"traceparent": f"00-{1:032x}-{2:016x}-00", "tracestate": "vendor=1"}


def test_an_agent_without_opentelemetry_sends_no_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "opentelemetry.trace")
    assert trace_headers() == {}
