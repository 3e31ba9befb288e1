"""All spans of a package are in the trace in which its agent submitted it, and hold no text of anyone."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.tracing import opening
from bot.tracing.opening import is_tracing_on, open_tracing
from bot.tracing.spans import Spans
from rules.state.commands import Approve, Comment
from tests.bot.service import AUTOMATIC, HARD, AgentApi, Response, open_api
from tests.bot.tracing.collector import Collector, open_collector
from tests.rules.world import SUSI
from tests.scheduler.callbacks.receiver import Receiver

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
PARENT = f"00-{TRACE}-{SPAN}-01"
TRACED = {"traceparent": PARENT, "tracestate": "vendor=1"}
LOOPBACK = "127.0.0.0/8"


@pytest.fixture
async def collector(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Collector]:
    """The environment names it, so that services trace."""
    async with open_collector() as started:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", started.url)
        monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "50")
        yield started


@pytest.fixture
async def traced(collector: Collector, database_url: str, tmp_path: Path) -> AsyncIterator[AgentApi]:
    assert collector.url
    async with open_api(database_url, tmp_path, COUNTERSIGN_CALLBACK_ALLOW=LOOPBACK) as api:
        yield api


async def submit(api: AgentApi, package: dict[str, Any] = HARD, headers: dict[str, str] | None = None) -> Response:
    return await api.post("/v1/packages", package, headers=headers or {})


async def approve(api: AgentApi, response: Response) -> None:
    await api.decide(Approve, response, by=SUSI)


async def test_a_decision_hours_later_and_the_claim_are_in_the_trace_of_the_agents_request(
    traced: AgentApi, collector: Collector
) -> None:
    response = await submit(traced, headers=TRACED)
    traced.clock.passes(timedelta(hours=5))
    await approve(traced, response)
    await traced.claim(response)
    spans = await collector.wait_for("submit", "wait", "decide", "claim")
    assert {span.trace_id for span in spans.values()} == {TRACE}
    assert spans["submit"].parent_id == SPAN
    assert {spans[name].parent_id for name in ("wait", "decide", "claim")} == {spans["submit"].span_id}
    assert spans["wait"].seconds == 5 * 3600
    assert {span.service for span in spans.values()} == {"countersign"}


async def test_spans_hold_ids_types_risk_and_status_only(traced: AgentApi, collector: Collector) -> None:
    marker = "zzsecretzz"
    texts = dict.fromkeys(("title", "rationale", "proposed_action", "consequence"), marker)
    response = await submit(traced, HARD | texts | {"action_parameters": {marker: marker}})
    await traced.decide(Comment, response, by=SUSI, comment=marker)
    await approve(traced, response)
    await traced.claim(response)
    spans = await collector.wait_for("submit", "wait", "decide", "claim")
    assert spans["decide"].facts == {
        "countersign.decision_package_id": response.id,
        "countersign.package_version": 1,
        "countersign.action_type": "record.read",
        "countersign.risk_level": "high",
        "countersign.status": "approved",
        "countersign.verb": "approve",
        "countersign.by": "person",
    }
    everything = b"".join(collector.bodies)
    assert [secret for secret in (marker, SUSI, "Clerk", traced.key) if secret.encode() in everything] == []


async def test_a_package_without_a_trace_begins_one(traced: AgentApi, collector: Collector) -> None:
    response = await submit(traced)
    await approve(traced, response)
    spans = await collector.wait_for("submit", "wait", "decide")
    assert len({span.trace_id for span in spans.values()}) == 1
    assert spans["submit"].parent_id == ""


async def test_a_callback_carries_the_trace_of_its_package(
    traced: AgentApi, collector: Collector, receiver: Receiver
) -> None:
    response = await submit(traced, HARD | {"callback_url": receiver.url()}, TRACED)
    await approve(traced, response)
    await receiver.wait_for(1)
    spans = await collector.wait_for("deliver")
    headers = receiver.got[0].headers
    assert headers["traceparent"] == f"00-{TRACE}-{spans['deliver'].span_id}-01"
    assert headers["tracestate"] == "vendor=1"
    assert spans["deliver"].facts["countersign.result"] == "delivered"


async def test_an_agent_that_does_not_sample_is_not_traced(traced: AgentApi, collector: Collector) -> None:
    await submit(traced, headers={"traceparent": f"00-{TRACE}-{SPAN}-00"})
    await submit(traced)
    await collector.wait_for("submit")
    assert [span for span in collector.spans if span.trace_id == TRACE] == []


# ---- the headers of agents


@pytest.mark.parametrize(
    "headers",
    [
        {"traceparent": "nonsense"},
        {"traceparent": f"ff-{TRACE}-{SPAN}-01"},
        {"traceparent": PARENT, "tracestate": "=,=" * 1000},
        {"tracestate": "a=b"},
    ],
)
async def test_an_invalid_trace_is_never_an_error(api: AgentApi, headers: dict[str, str]) -> None:
    assert (await submit(api, headers=headers)).status == 202


async def test_without_tracing_a_callback_carries_what_the_agent_sent(
    database_url: str, tmp_path: Path, receiver: Receiver
) -> None:
    async with open_api(database_url, tmp_path, COUNTERSIGN_CALLBACK_ALLOW=LOOPBACK) as api:
        response = await submit(api, HARD | {"callback_url": receiver.url()}, TRACED)
        await approve(api, response)
        await receiver.wait_for(1)
        assert api.store.observers == []
    assert {name: receiver.got[0].headers[name] for name in TRACED} == TRACED


# ---- the collector in trouble


@pytest.mark.parametrize("trouble", [{"status": 503}, {"hangs": True}])
async def test_a_collector_in_trouble_holds_up_neither_a_decision_nor_the_end_of_the_service(
    collector: Collector, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trouble: dict[str, Any]
) -> None:
    vars(collector).update(trouble)
    monkeypatch.setattr(opening, "FLUSH_WITHIN", 0.1)
    async with asyncio.timeout(20):
        async with open_api(database_url, tmp_path) as api:
            await submit(api, AUTOMATIC)
            await collector.wait_for_request()
            response = await submit(api, AUTOMATIC)
            assert (await api.claim(response)).status == 200


async def test_a_collector_that_is_not_there_holds_up_nothing(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setattr(opening, "FLUSH_WITHIN", 0.1)
    async with asyncio.timeout(20), open_api(database_url, tmp_path) as api:
        assert (await submit(api)).status == 202


async def test_a_fault_while_tracing_is_no_fault_of_the_command(
    traced: AgentApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(Spans, "_record", broken)
    response = await submit(traced, AUTOMATIC)
    assert (await traced.claim(response)).status == 200


# ---- on and off


@pytest.mark.parametrize(
    ("environment", "on"),
    [
        ({}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": ""}, False),
        ({"OTEL_SERVICE_NAME": "countersign"}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://collector:4318/v1/traces"}, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318", "OTEL_SDK_DISABLED": "true"}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318", "OTEL_TRACES_EXPORTER": "none"}, False),
    ],
)
def test_an_endpoint_turns_tracing_on(environment: dict[str, str], on: bool) -> None:
    assert is_tracing_on(environment) is on


async def test_without_the_extra_the_service_starts_and_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    async with open_tracing({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}) as tracing:
        assert tracing.is_on is False
    written = capsys.readouterr()
    assert "install countersign-server[otel]" in written.out + written.err


async def test_the_service_is_named_by_the_environment(
    collector: Collector, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "approvals")
    async with open_api(database_url, tmp_path) as api:
        await submit(api)
    assert {span.service for span in (await collector.wait_for("submit")).values()} == {"approvals"}
