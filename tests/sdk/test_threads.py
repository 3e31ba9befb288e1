"""An agent reports checkpoints, and leaves a thread alone while a person holds it."""

from __future__ import annotations

import asyncio
import inspect
from typing import Any

import pytest

from countersign import (
    NotFoundError,
    StillPendingError,
    ThreadCancelledError,
    ThreadChangedError,
    ThreadHeldError,
    WithdrawnError,
)
from countersign.gate_flow import Gate
from countersign.signature import Signature
from rules.threads.commands import CancelThread, HoldThread, ResumeThread, ThreadCommand
from tests.bot.slack.office import SENTA
from tests.sdk.agents import Agent, ThreadedCalls
from tests.store.waiting_agents import Waits
from tests.store.world import fresh, reviewer

NAME = "case 4/56"
THREAD: dict[str, Any] = {"thread_id": NAME}


async def give(agent: Agent, kind: type[ThreadCommand], **fields: Any) -> None:
    words = {} if kind is ResumeThread else {"reason": "Wait."}
    command = kind(**{"command_id": fresh("thread"), "thread_id": NAME, **words, **fields})
    outcome = await agent.office.running.service.threads.execute(command, reviewer(SENTA))
    assert outcome.refusal is None, outcome.refusal.sentence


async def thread_of(agent: Agent, name: str = NAME) -> Any:
    thread = agent.client.thread(name)
    return await thread if inspect.isawaitable(thread) else thread


async def test_a_checkpoint_is_reported_once_however_often_it_is_sent(agent: Agent) -> None:
    await agent.request(**THREAD)
    thread = await thread_of(agent)
    await thread.checkpoint("step-1", "Three sources read.", {"read": 3})
    document = await thread.checkpoint("step-1", "Three sources read.", {"read": 3})
    assert document["latest_checkpoint_id"] == "step-1"
    events = [event["event_type"] for event in await thread.history()]
    assert events.count("thread.checkpoint_reported") == 1


async def test_a_held_thread_refuses_a_request_and_the_agent_can_wait_until_it_is_resumed(agent: Agent) -> None:
    await agent.request(**THREAD)
    await give(agent, HoldThread)
    with pytest.raises(ThreadHeldError):
        await agent.request(**THREAD, title="Another")
    thread = await thread_of(agent)
    with pytest.raises(StillPendingError) as late:
        await thread.wait_until_running(timeout=0.05)
    assert late.value.decision_package_id is None
    waiting = asyncio.ensure_future(thread.wait_until_running(timeout=30))
    await give(agent, ResumeThread, instruction="Use source 2.", modified_state={"sources": [2]})
    document = await waiting
    assert (document["instruction"], document["modified_state"]) == ("Use source 2.", {"sources": [2]})


async def test_waiting_for_a_cancelled_thread_ends_with_an_error(agent: Agent) -> None:
    await agent.request(**THREAD)
    await give(agent, CancelThread, rollback=True)
    with pytest.raises(ThreadCancelledError, match="rollback"):
        await (await thread_of(agent)).wait_until_running()


async def test_a_thread_that_this_agent_does_not_own_is_not_found(agent: Agent) -> None:
    with pytest.raises(NotFoundError):
        await (await thread_of(agent, "another")).read()


async def test_a_gate_waits_while_the_thread_is_held_and_then_runs_once(agent: Agent) -> None:
    calls: list[str] = []

    def read(record: str) -> None:
        calls.append(record)

    gated = agent.gate(read, **THREAD)
    await agent.request(**THREAD)
    await give(agent, HoldThread)
    running = asyncio.ensure_future(gated("42"))
    await give(agent, ResumeThread)
    await agent.wait_for_package(count=2)
    await agent.approve_newest()
    await running
    assert calls == ["42"]


async def test_a_gate_whose_thread_is_held_at_the_claim_waits_and_then_runs(agent: Agent) -> None:
    calls: list[str] = []

    def read(record: str) -> None:
        calls.append(record)

    running = asyncio.ensure_future(agent.gate(read, **THREAD)("42"))
    await agent.wait_for_package()
    await give(agent, HoldThread)
    await agent.approve_newest()
    await give(agent, ResumeThread)
    await running
    assert calls == ["42"]


async def claimed_call(agent: Agent, calls: list[str]) -> Any:
    """A gate that has claimed the permission and has not called its function yet: run the flow to go on."""

    async def read_later(record: str) -> None:
        calls.append(record)

    def read(record: str) -> None:
        calls.append(record)

    function = read if isinstance(agent.client, ThreadedCalls) else read_later
    handle = await agent.request(**THREAD)
    await agent.approve_and_wait(handle)
    await handle.claim()
    package = (handle.wrapped if isinstance(handle, ThreadedCalls) else handle)._package
    signature = Signature(function)
    gated = Gate(function=function, action_type="record.read", fields={}, signature=signature)
    return gated._execute(package, signature.call({"record": "42"}, {}))


async def test_a_call_whose_thread_is_held_after_the_claim_waits_and_then_runs(agent: Agent) -> None:
    calls: list[str] = []
    flow = await claimed_call(agent, calls)
    await give(agent, HoldThread)
    running = asyncio.ensure_future(agent.client.run(flow))
    await give(agent, ResumeThread)
    await running
    assert calls == ["42"]


async def test_a_call_of_the_old_plan_does_not_run_after_its_thread_got_another(
    agent: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    flow = await claimed_call(agent, calls)
    waits = Waits(monkeypatch)
    await give(agent, HoldThread)
    running = asyncio.ensure_future(agent.client.run(flow))
    await waits.come()
    await give(agent, ResumeThread, modified_state={"plan": "B"})
    with pytest.raises(ThreadChangedError):
        await running
    assert calls == []
    assert (await agent.office.get("/v1/packages")).body["packages"][0]["execution"]["state"] == "failed"


async def test_a_call_does_not_run_if_its_thread_is_cancelled_after_the_claim(agent: Agent) -> None:
    calls: list[str] = []
    flow = await claimed_call(agent, calls)
    await give(agent, CancelThread)
    with pytest.raises(ThreadCancelledError):
        await agent.client.run(flow)
    assert calls == []


async def test_a_gate_does_not_run_once_the_thread_is_cancelled(agent: Agent) -> None:
    calls: list[str] = []

    def read(record: str) -> None:
        calls.append(record)

    running = asyncio.ensure_future(agent.gate(read, **THREAD)("42"))
    await agent.wait_for_package()
    await give(agent, CancelThread)
    with pytest.raises(WithdrawnError):
        await running
    assert calls == []


async def test_an_approval_that_a_new_plan_ended_does_not_run(agent: Agent) -> None:
    handle = await agent.request(**THREAD)
    await agent.approve_and_wait(handle)
    await give(agent, HoldThread)
    with pytest.raises(ThreadHeldError):
        await handle.claim()
    await give(agent, ResumeThread, modified_state={"plan": "B"})
    await handle.refresh()
    assert handle.status == "revoked"
