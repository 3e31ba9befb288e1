"""An approved call runs at most once, whether it raises, is killed, repeated, shared, expires, is revoked or gets no reply."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from typing import Any

import pytest

from countersign import (
    Executed,
    ExecutedError,
    LapsedError,
    OutcomeUnknownError,
    RevokedError,
    StillPendingError,
    Unknown,
    UnreportedError,
    run,
)
from rules.state.commands import Revoke
from tests.bot.service import Response
from tests.bot.slack.office import SENTA, SVEN
from tests.rules.world import DAY, HOUR
from tests.sdk.agents import Agent
from tests.sdk.records import Records


async def test_a_function_that_raises_is_reported_as_failed_and_not_run_again(agent: Agent) -> None:
    calls: list[str] = []

    def pay(order: str) -> None:
        calls.append(order)
        raise ConnectionError("the bank hung up")

    gated = agent.gate(pay)
    with run("run-1"):
        calling = asyncio.ensure_future(gated("456"))
        await agent.approve_newest()
        with pytest.raises(ConnectionError, match="hung up"):
            await calling
        assert (await agent.wait_for_package("approved")).body["execution"]["state"] == "failed"
        with pytest.raises(ExecutedError) as executed:
            await gated("456")
    assert isinstance(executed.value.outcome, Executed)
    assert executed.value.outcome.state == "failed"
    assert calls == ["456"]


async def test_the_same_step_of_a_run_is_not_run_again(agent: Agent, records: Records) -> None:
    read = agent.gate(records.read)
    with run("run-1"):
        calling = asyncio.ensure_future(read("42"))
        await agent.approve_newest()
        await calling
        with pytest.raises(ExecutedError, match="Do not run it again"):
            await read("42")
    assert records.calls == [("42", 1)]


async def test_two_workers_with_one_approval_run_it_once(agent: Agent, records: Records) -> None:
    read = agent.gate(records.read, refusals="return")
    with run("run-1"):
        workers = [asyncio.ensure_future(read("42")) for _ in range(2)]
        await agent.approve_newest()
        results = await asyncio.gather(*workers)
    assert [result for result in results if not isinstance(result, Executed | Unknown)] == ["record 42"]
    assert records.calls == [("42", 1)]


class EndedFromOutside(BaseException):
    """Ends a function from outside, as a signal or a cancelled task does."""


async def test_an_interrupted_function_has_an_unknown_outcome_and_is_never_run_again(agent: Agent) -> None:
    calls: list[str] = []

    def pay(order: str) -> None:
        calls.append(order)
        raise EndedFromOutside

    gated = agent.gate(pay)
    with run("run-1"):
        calling = asyncio.ensure_future(gated("456"))
        await agent.approve_newest()
        with pytest.raises(EndedFromOutside):
            await calling
        with pytest.raises(OutcomeUnknownError, match="has reported no outcome") as unknown:
            await gated("456")
        assert isinstance(unknown.value.outcome, Unknown)
        await agent.office.passes(2 * HOUR)
        with pytest.raises(OutcomeUnknownError):
            await gated("456")
    assert (await agent.wait_for_package("approved")).body["execution"]["state"] == "unknown"
    assert calls == ["456"]


async def test_an_expired_approval_raises_a_lapsed_error(agent: Agent, records: Records) -> None:
    read = agent.gate(records.read, timeout=0.2)
    with run("run-1"):
        with pytest.raises(StillPendingError):
            await read("42")
        await agent.approve_newest()
        await agent.office.passes(3 * DAY)
        with pytest.raises(LapsedError):
            await read("42")
    assert records.calls == []


async def test_a_revoked_approval_raises_a_revoked_error(agent: Agent, records: Records) -> None:
    read = agent.gate(records.read, timeout=0.2)
    with run("run-1"):
        with pytest.raises(StillPendingError):
            await read("42")
        await agent.approve_newest()
        await agent.office.decide(Revoke, await agent.wait_for_package("approved"), by=SENTA)
        with pytest.raises(RevokedError):
            await read("42")
    assert records.calls == []


async def approve_and_deactivate(agent: Agent) -> None:
    """Senta approves, and her account is deactivated before the gate claims."""
    await agent.approve_newest()
    everybody = agent.office.slack.workspace.people
    everybody[SENTA] = replace(everybody[SENTA], deleted=True)
    await agent.office.directory.renew()


async def test_a_gate_asks_once_more_when_the_approval_is_no_longer_valid(agent: Agent, records: Records) -> None:
    read = agent.gate(records.read, timeout=0.2)
    with run("run-1"):
        with pytest.raises(StillPendingError):
            await read("42")
        await approve_and_deactivate(agent)
        calling = asyncio.ensure_future(agent.gate(records.read)("42"))
        await agent.approve_newest(SVEN)
        assert await calling == "record 42"
    assert records.calls == [("42", 1)]
    packages = (await agent.office.get("/v1/packages")).body["packages"]
    assert [package["status"] for package in packages] == ["approved", "revoked"]


async def test_a_gate_does_not_ask_a_third_time(agent: Agent, records: Records) -> None:
    read = agent.gate(records.read, timeout=0.2)
    with run("run-1"):
        with pytest.raises(StillPendingError):
            await read("42")
        await approve_and_deactivate(agent)
        with pytest.raises(StillPendingError):
            await read("42")
        await agent.office.decide(Revoke, await approve_again(agent, SVEN), by=SVEN)
        with pytest.raises(RevokedError):
            await read("42")
    assert len((await agent.office.get("/v1/packages")).body["packages"]) == 2
    assert records.calls == []


async def approve_again(agent: Agent, by: str) -> Response:
    await agent.approve_newest(by)
    return Response(200, {}, json.dumps((await agent.wait_for_package("approved")).body))


async def test_an_unreported_error_carries_the_result(agent: Agent, records: Records) -> None:
    agent.lose_patience()

    def read(record: str) -> str:
        agent.network.down = True
        return records.read(record)

    calling = asyncio.ensure_future(agent.gate(read)("42"))
    await agent.approve_newest()
    with pytest.raises(UnreportedError, match="Do not run it again") as unreported:
        await calling
    agent.network.down = False
    assert unreported.value.result == "record 42"
    error = unreported.value
    handle = await agent.client.handle(error.decision_package_id, claim_id=error.claim_id)
    await handle.succeeded()
    assert await agent.execution(handle) == "succeeded"


async def test_a_failure_that_cannot_be_reported_raises_the_original_exception(agent: Agent) -> None:
    agent.lose_patience()

    def pay() -> None:
        agent.network.down = True
        raise ConnectionError("the bank hung up")

    calling = asyncio.ensure_future(agent.gate(pay)())
    await agent.approve_newest()
    with pytest.raises(ConnectionError, match="hung up") as fault:
        await calling
    assert "could not be reported" in fault.value.__notes__[0]


async def test_the_function_runs_once_if_any_reply_is_lost(agent: Agent, records: Records) -> None:
    calling = asyncio.ensure_future(agent.gate(records.read)("42"))
    card = await agent.card(await agent.wait_for_package())
    agent.network.answers_to_lose = 3  # to the poll, to the claim, to the report
    await agent.office.approve(SENTA, card)
    assert await calling == "record 42"
    assert (agent.network.answers_to_lose, records.calls) == (0, [("42", 1)])
    assert (await agent.wait_for_package("approved")).body["execution"]["state"] == "succeeded"


async def claim_elsewhere(agent: Agent) -> None:
    await agent.office.claim(await agent.wait_for_package("approved"))


async def let_expire(agent: Agent) -> None:
    await agent.office.passes(3 * DAY)


async def revoke(agent: Agent) -> None:
    await agent.office.decide(Revoke, await agent.wait_for_package("approved"), by=SENTA)


@pytest.mark.parametrize("agent", ["sync"], indirect=True)  # only a thread can be held at this point
@pytest.mark.parametrize(
    ("end_permission", "expected"),
    [(claim_elsewhere, OutcomeUnknownError), (let_expire, LapsedError), (revoke, RevokedError)],
)
async def test_a_permission_that_ends_before_the_claim_raises_the_matching_error(
    agent: Agent, end_permission: Callable[[Agent], Coroutine[Any, Any, None]], expected: type[Exception]
) -> None:
    loop, asked, calls = asyncio.get_running_loop(), threading.Event(), list[str]()

    @dataclass
    class Record:
        name: str

        def __post_init__(self) -> None:
            """Is called a second time when the approved call is built, just before the claim."""
            if asked.is_set():
                asyncio.run_coroutine_threadsafe(end_permission(agent), loop).result()

    def read(record: Record) -> None:
        calls.append(record.name)

    read.__annotations__["record"] = Record
    calling = asyncio.ensure_future(agent.gate(read)(Record("42")))
    package = await agent.wait_for_package()
    asked.set()
    await agent.office.approve(SENTA, await agent.card(package))
    with pytest.raises(expected):
        await calling
    assert calls == []
