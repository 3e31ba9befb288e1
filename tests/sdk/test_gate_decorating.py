"""Which functions can be gated, and what a gated function looks like."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from countersign import AsyncClient, Client, gate
from tests.bot.slack.office import Office
from tests.sdk.agents import QUICK
from tests.sdk.records import Records


def test_a_gate_refuses_parameters_without_a_json_form_when_it_decorates() -> None:
    def takes_an_object(connection: Records) -> None: ...
    def takes_positionals(*records: str) -> None: ...

    decorate = gate(risk_level="high", confidence=0.9)
    with pytest.raises(TypeError, match="name it in `context`"):
        decorate(takes_an_object)
    with pytest.raises(TypeError, match="take a list instead"):
        decorate(takes_positionals)
    with pytest.raises(TypeError, match="no parameter missing"):
        gate(risk_level="high", confidence=0.9, context=["missing"])(takes_an_object)


async def test_a_sync_function_that_returns_a_coroutine_is_reported_as_failed(office: Office, records: Records) -> None:
    async def read(record: str) -> str:
        return records.read(record)

    def plain(record: str) -> Any:
        return read(record)

    with Client(office.url, office.key, patience=QUICK) as client:
        gated = gate("record.read", risk_level="low", confidence=0.95, client=client)(plain)
        with pytest.raises(TypeError, match="make it an async def"):
            await asyncio.to_thread(gated, "42")
    (package,) = (await office.get("/v1/packages")).body["packages"]
    assert (package["execution"]["state"], records.calls) == ("failed", [])


def test_a_gate_refuses_an_unknown_keyword_when_it_decorates() -> None:
    with pytest.raises(TypeError, match="a gate knows no rational, risk"):
        gate(risk_level="high", confidence=0.9, rational="A reason.", risk="high")  # type: ignore[call-overload]


def test_a_generator_function_cannot_be_gated() -> None:
    def generate() -> Iterator[int]:
        yield 1

    async def generate_async() -> AsyncIterator[int]:
        yield 1

    for function in (generate, generate_async):
        with pytest.raises(TypeError, match="before it began"):
            gate(risk_level="low", confidence=0.9)(function)


def test_a_gated_function_keeps_its_signature_and_cannot_be_unwrapped(records: Records) -> None:
    gated = gate(risk_level="high", confidence=0.9)(records.read)
    assert (gated.__name__, gated.__doc__) == ("read", "Read a record.")
    assert str(inspect.signature(gated)) == "(record: str, copies: int = 1) -> str"
    assert not hasattr(gated, "__wrapped__")


async def test_a_method_is_gated_with_its_object_as_context(office: Office) -> None:
    client = AsyncClient(office.url, office.key, patience=QUICK)

    class Desk:
        name = "front"

        @gate(risk_level="low", confidence=0.95, rationale="Asked for.", client=client, action_type="record.read")
        async def read(self, record: str) -> str:
            return f"{self.name}: {record}"

    assert await Desk().read("42") == "front: 42"
    await client.close()


async def test_a_gate_without_a_client_makes_one_from_the_environment(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COUNTERSIGN_URL", office.url)
    monkeypatch.setenv("COUNTERSIGN_AGENT_KEY", office.key)

    @gate("record.read", risk_level="low", confidence=0.95)
    def read(record: str) -> str:
        return record

    @gate("record.read", risk_level="low", confidence=0.95)
    async def read_too(record: str) -> str:
        return record

    assert await asyncio.to_thread(read, "42") == "42"
    assert await read_too("43") == "43"


def test_a_gate_refuses_a_client_of_the_wrong_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COUNTERSIGN_AGENT_KEY", "csk_1")

    def sync_function() -> None: ...
    async def async_function() -> None: ...

    with pytest.raises(TypeError, match="give its gate a Client"):
        gate(risk_level="low", confidence=1.0, client=AsyncClient())(sync_function)
    with pytest.raises(TypeError, match="give its gate an AsyncClient"):
        gate(risk_level="low", confidence=1.0, client=Client())(async_function)
