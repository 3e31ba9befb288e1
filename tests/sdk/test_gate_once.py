"""What was approved is done once, whatever happens: raised, killed, repeated, shared, lapsed, revoked or never heard of."""

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


async def test_a_function_that_raises_has_failed_and_is_not_run_again(agent: Agent) -> None:
    ran: list[str] = []

    def pay(order: str) -> None:
        ran.append(order)
        raise ConnectionError("the bank hung up")

    gated = agent.gated(pay)
    with run("run-1"):
        calling = asyncio.ensure_future(gated("456"))
        await agent.approves()
        with pytest.raises(ConnectionError, match="hung up"):
            await calling
        assert (await agent.proposed("approved")).body["execution"]["state"] == "failed"
        with pytest.raises(ExecutedError) as executed:
            await gated("456")
    assert isinstance(executed.value.outcome, Executed)
    assert executed.value.outcome.state == "failed"
    assert ran == ["456"]


async def test_a_run_that_comes_to_the_same_step_again_does_not_do_it_again(agent: Agent, records: Records) -> None:
    read = agent.gated(records.read)
    with run("run-1"):
        calling = asyncio.ensure_future(read("42"))
        await agent.approves()
        await calling
        with pytest.raises(ExecutedError, match="do not run it again"):
            await read("42")
    assert records.read_ones == [("42", 1)]


async def test_two_workers_with_one_approval_run_it_once(agent: Agent, records: Records) -> None:
    read = agent.gated(records.read, refusals="return")
    with run("run-1"):
        workers = [asyncio.ensure_future(read("42")) for _ in range(2)]
        await agent.approves()
        done = await asyncio.gather(*workers)
    assert [each for each in done if not isinstance(each, Executed | Unknown)] == ["record 42"]
    assert records.read_ones == [("42", 1)]


class Ended(BaseException):
    """From outside, as a signal or the end of a task ends a function."""


async def test_what_is_ended_half_way_is_unknown_and_never_run_again(agent: Agent) -> None:
    ran: list[str] = []

    def pay(order: str) -> None:
        ran.append(order)
        raise Ended

    gated = agent.gated(pay)
    with run("run-1"):
        calling = asyncio.ensure_future(gated("456"))
        await agent.approves()
        with pytest.raises(Ended):
            await calling
        with pytest.raises(OutcomeUnknownError, match="whether it ran is unknown") as unknown:
            await gated("456")
        assert isinstance(unknown.value.outcome, Unknown)
        await agent.office.passes(2 * HOUR)
        with pytest.raises(OutcomeUnknownError):
            await gated("456")
    assert (await agent.proposed("approved")).body["execution"]["state"] == "unknown"
    assert ran == ["456"]


async def test_an_approval_that_lapsed_is_told_as_that(agent: Agent, records: Records) -> None:
    read = agent.gated(records.read, timeout=0.2)
    with run("run-1"):
        with pytest.raises(StillPendingError):
            await read("42")
        await agent.approves()
        await agent.office.passes(3 * DAY)
        with pytest.raises(LapsedError):
            await read("42")
    assert records.read_ones == []


async def test_an_approval_that_was_revoked_is_told_as_that(agent: Agent, records: Records) -> None:
    read = agent.gated(records.read, timeout=0.2)
    with run("run-1"):
        with pytest.raises(StillPendingError):
            await read("42")
        await agent.approves()
        await agent.office.decide(Revoke, await agent.proposed("approved"), by=SENTA)
        with pytest.raises(RevokedError):
            await read("42")
    assert records.read_ones == []


async def loses_its_approver(agent: Agent) -> None:
    """Senta approves, and her account is deactivated before the gate claims."""
    await agent.approves()
    everybody = agent.office.slack.workspace.people
    everybody[SENTA] = replace(everybody[SENTA], deleted=True)
    await agent.office.directory.renew()


async def test_a_gate_asks_again_once_when_the_approval_is_no_longer_valid(agent: Agent, records: Records) -> None:
    read = agent.gated(records.read, timeout=0.2)
    with run("run-1"):
        with pytest.raises(StillPendingError):
            await read("42")
        await loses_its_approver(agent)
        calling = asyncio.ensure_future(agent.gated(records.read)("42"))
        await agent.approves(SVEN)
        assert await calling == "record 42"
    assert records.read_ones == [("42", 1)]
    packages = (await agent.office.get("/v1/packages")).body["packages"]
    assert [each["status"] for each in packages] == ["approved", "revoked"]


async def test_a_gate_that_asked_again_takes_a_second_revocation_as_the_answer(agent: Agent, records: Records) -> None:
    read = agent.gated(records.read, timeout=0.2)
    with run("run-1"):
        with pytest.raises(StillPendingError):
            await read("42")
        await loses_its_approver(agent)
        with pytest.raises(StillPendingError):
            await read("42")
        await agent.office.decide(Revoke, await decided(agent, SVEN), by=SVEN)
        with pytest.raises(RevokedError):
            await read("42")
    assert len((await agent.office.get("/v1/packages")).body["packages"]) == 2
    assert records.read_ones == []


async def decided(agent: Agent, by: str) -> Response:
    await agent.approves(by)
    return Response(200, {}, json.dumps((await agent.proposed("approved")).body))


async def test_an_outcome_that_cannot_be_reported_keeps_the_result(agent: Agent, records: Records) -> None:
    agent.gives_up_soon()

    def read(record: str) -> str:
        agent.network.down = True
        return records.read(record)

    calling = asyncio.ensure_future(agent.gated(read)("42"))
    await agent.approves()
    with pytest.raises(UnreportedError, match="Do not run it again") as unreported:
        await calling
    agent.network.down = False
    assert unreported.value.result == "record 42"
    told = unreported.value
    handle = await agent.client.handle(told.decision_package_id, claim_id=told.claim_id)
    await handle.succeeded()
    assert await agent.execution(handle) == "succeeded"


async def test_a_fault_stays_the_news_where_it_cannot_be_reported(agent: Agent) -> None:
    agent.gives_up_soon()

    def pay() -> None:
        agent.network.down = True
        raise ConnectionError("the bank hung up")

    calling = asyncio.ensure_future(agent.gated(pay)())
    await agent.approves()
    with pytest.raises(ConnectionError, match="hung up") as fault:
        await calling
    assert "could not be reported" in fault.value.__notes__[0]


async def test_a_lost_reply_at_any_point_runs_it_once(agent: Agent, records: Records) -> None:
    calling = asyncio.ensure_future(agent.gated(records.read)("42"))
    card = await agent.card(await agent.proposed())
    agent.network.answers_to_lose = 3  # to the poll, to the claim, to the report
    await agent.office.approve(SENTA, card)
    assert await calling == "record 42"
    assert (agent.network.answers_to_lose, records.read_ones) == (0, [("42", 1)])
    assert (await agent.proposed("approved")).body["execution"]["state"] == "succeeded"


async def claimed_elsewhere(agent: Agent) -> None:
    await agent.office.claim(await agent.proposed("approved"))


async def lapses(agent: Agent) -> None:
    await agent.office.passes(3 * DAY)


async def is_revoked(agent: Agent) -> None:
    await agent.office.decide(Revoke, await agent.proposed("approved"), by=SENTA)


@pytest.mark.parametrize("agent", ["sync"], indirect=True)  # a thread of its own can be held where it is
@pytest.mark.parametrize(
    ("ends", "told"),
    [(claimed_elsewhere, OutcomeUnknownError), (lapses, LapsedError), (is_revoked, RevokedError)],
)
async def test_what_ends_the_permission_after_the_agent_heard_of_it_is_told_as_that(
    agent: Agent, ends: Callable[[Agent], Coroutine[Any, Any, None]], told: type[Exception]
) -> None:
    here, heard, ran = asyncio.get_running_loop(), threading.Event(), list[str]()

    @dataclass
    class Record:
        name: str

        def __post_init__(self) -> None:
            """Made a second time of what was approved, which is just before it is claimed."""
            if heard.is_set():
                asyncio.run_coroutine_threadsafe(ends(agent), here).result()

    def read(record: Record) -> None:
        ran.append(record.name)

    read.__annotations__["record"] = Record
    calling = asyncio.ensure_future(agent.gated(read)(Record("42")))
    package = await agent.proposed()
    heard.set()
    await agent.office.approve(SENTA, await agent.card(package))
    with pytest.raises(told):
        await calling
    assert ran == []
