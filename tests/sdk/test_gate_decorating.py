"""What can be put behind a gate, and what a gated function then looks like."""

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


def test_a_gate_says_at_once_what_it_cannot_carry() -> None:
    def shown(connection: Records) -> None: ...
    def listed(*records: str) -> None: ...

    quick = gate(risk_level="high", confidence=0.9)
    with pytest.raises(TypeError, match="name it in `context`"):
        quick(shown)
    with pytest.raises(TypeError, match="take a list instead"):
        quick(listed)
    with pytest.raises(TypeError, match="no parameter missing"):
        gate(risk_level="high", confidence=0.9, context=["missing"])(shown)


async def test_a_function_that_gives_a_coroutine_has_failed_because_nobody_ran_it(
    office: Office, records: Records
) -> None:
    async def read(record: str) -> str:
        return records.read(record)

    def plain(record: str) -> Any:
        return read(record)

    with Client(office.url, office.key, patience=QUICK) as client:
        gated = gate("record.read", risk_level="low", confidence=0.95, client=client)(plain)
        with pytest.raises(TypeError, match="make it an async def"):
            await asyncio.to_thread(gated, "42")
    (package,) = (await office.get("/v1/packages")).body["packages"]
    assert (package["execution"]["state"], records.read_ones) == ("failed", [])


def test_a_gate_says_at_once_that_it_does_not_know_a_word() -> None:
    with pytest.raises(TypeError, match="a gate knows no rational, risk"):
        gate(risk_level="high", confidence=0.9, rational="A reason.", risk="high")  # type: ignore[call-overload]


def test_a_generator_is_refused_because_it_would_be_done_before_it_began() -> None:
    def each() -> Iterator[int]:
        yield 1

    async def each_too() -> AsyncIterator[int]:
        yield 1

    for function in (each, each_too):
        with pytest.raises(TypeError, match="before it began"):
            gate(risk_level="low", confidence=0.9)(function)


def test_a_gated_function_looks_like_itself_and_leads_to_it_by_no_other_way(records: Records) -> None:
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


async def test_a_gate_without_a_client_makes_its_own_from_the_environment(
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


def test_a_gate_wants_the_client_that_fits_its_function(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COUNTERSIGN_AGENT_KEY", "csk_1")

    def sync() -> None: ...
    async def awaited() -> None: ...

    with pytest.raises(TypeError, match="give its gate a Client"):
        gate(risk_level="low", confidence=1.0, client=AsyncClient())(sync)
    with pytest.raises(TypeError, match="give its gate an AsyncClient"):
        gate(risk_level="low", confidence=1.0, client=Client())(awaited)
