"""Every attempt to deliver a callback has a span that ends, and tracing is never why an attempt fails."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from sqlalchemy import text

from bot.tracing.spans import Spans
from tests.scheduler.callbacks.receiver import Receiver, hangs
from tests.scheduler.callbacks.rounds import LOOPBACK, Rounds, open_rounds
from tests.store.world import open_world


@pytest.fixture
def exported() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
async def rounds(database_url: str, exported: InMemorySpanExporter) -> AsyncIterator[Rounds]:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exported))
    trace = Spans(provider.get_tracer("countersign")).begin_delivery
    async with open_world(database_url) as world, open_rounds(world, LOOPBACK, trace=trace) as started:
        yield started


def statuses(exported: InMemorySpanExporter) -> list[str]:
    return [span.status.status_code.name for span in exported.get_finished_spans()]


async def test_the_span_of_an_attempt_that_cannot_be_signed_ends_as_an_error(
    rounds: Rounds, receiver: Receiver, exported: InMemorySpanExporter
) -> None:
    await rounds.submit_approved(receiver.url())
    await rounds.world.write(
        lambda connection: connection.execute(text("UPDATE callback_secrets SET secret = 'whsec_a'"))
    )
    await rounds.deliver()
    assert await rounds.states() == ["due"]
    assert statuses(exported) == ["ERROR"]


async def test_the_span_of_an_attempt_that_is_cancelled_at_the_end_of_the_process_ends_as_an_error(
    rounds: Rounds, receiver: Receiver, exported: InMemorySpanExporter
) -> None:
    receiver.answers(hangs)
    await rounds.submit_approved(receiver.url())
    await rounds.courier.tick()
    await receiver.wait_for(1)
    await rounds.courier.drain(0)
    assert statuses(exported) == ["ERROR"]


@pytest.mark.parametrize("part", ["begin", "end"])
async def test_a_fault_while_tracing_is_no_failure_of_the_delivery(
    rounds: Rounds, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("broken")

    broken_part = {"begin": "Tracer.start_span", "end": "Span.end"}[part]
    monkeypatch.setattr(f"opentelemetry.sdk.trace.{broken_part}", broken)
    await rounds.submit_approved(receiver.url())
    await rounds.deliver()
    assert await rounds.states() == ["delivered"]
    assert len(receiver.got) == 1
