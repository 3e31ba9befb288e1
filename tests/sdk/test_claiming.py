"""A permission is claimed once, before it expires, for exactly the approved action, and its outcome is reported."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from countersign import (
    AgentPausedError,
    AlreadyClaimedError,
    ApprovalLapsedError,
    DigestMismatchError,
    Executed,
    Lapsed,
    MayNotProceedError,
    Unknown,
    UnreportedError,
    action_digest,
)
from rules.state.commands import Verb
from tests.bot.slack.office import SENTA
from tests.rules.world import DAY
from tests.sdk.agents import PARAMETERS, Agent

# Sync code is enough here, because tests/sdk/test_enduring.py claims from async code.
pytestmark = pytest.mark.parametrize("agent", ["sync"], indirect=True)


@pytest.fixture
async def approved_handle(agent: Agent) -> Any:
    handle = await agent.request()
    await agent.approve_and_wait(handle)
    return handle


async def test_a_claim_returns_the_approved_parameters(agent: Agent, approved_handle: Any) -> None:
    assert await approved_handle.claim() == PARAMETERS
    assert (approved_handle.execution, approved_handle.may_proceed) == ("claimed", False)


async def test_a_handle_can_repeat_its_claim_and_another_handle_cannot_claim(
    agent: Agent, approved_handle: Any
) -> None:
    other = await agent.client.handle(approved_handle.decision_package_id)
    await approved_handle.claim()
    await approved_handle.claim()
    with pytest.raises(AlreadyClaimedError):
        await other.claim()


async def test_one_of_many_workers_gets_the_claim(agent: Agent, approved_handle: Any) -> None:
    workers = [await agent.client.handle(approved_handle.decision_package_id) for _ in range(6)]
    results = await asyncio.gather(*(result.claim() for result in workers), return_exceptions=True)
    assert [result for result in results if not isinstance(result, AlreadyClaimedError)] == [PARAMETERS]


@pytest.mark.parametrize("state", ["succeeded", "failed", "rolled_back"])
async def test_an_outcome_is_reported(agent: Agent, approved_handle: Any, state: str) -> None:
    await approved_handle.claim()
    await getattr(approved_handle, state)("In a sentence.")
    assert await agent.execution(approved_handle) == state


async def test_the_digest_equals_the_services(agent: Agent, approved_handle: Any) -> None:
    assert action_digest("record.read", PARAMETERS) == approved_handle.action_digest


async def test_a_claim_with_the_digest_of_another_action_is_refused(agent: Agent, approved_handle: Any) -> None:
    with pytest.raises(DigestMismatchError):
        await approved_handle.claim(action_digest("record.read", {"record": "43"}))
    assert await agent.execution(approved_handle) == "none"


async def test_an_expired_approval_cannot_be_claimed(agent: Agent, approved_handle: Any) -> None:
    await agent.office.passes(3 * DAY)
    with pytest.raises(ApprovalLapsedError, match="Submit the action again"):
        await approved_handle.claim()


async def test_a_revoked_approval_cannot_be_claimed(agent: Agent, approved_handle: Any) -> None:
    await agent.office.give(SENTA, await agent.card(approved_handle), Verb.REVOKE, {"comment": "Wrong customer."})
    with pytest.raises(MayNotProceedError):
        await approved_handle.claim()


async def test_an_undecided_package_cannot_be_claimed(agent: Agent) -> None:
    with pytest.raises(MayNotProceedError):
        await (await agent.request()).claim()


async def test_a_paused_agent_cannot_claim(agent: Agent, approved_handle: Any) -> None:
    await agent.office.pause()
    with pytest.raises(AgentPausedError):
        await approved_handle.claim()


async def test_an_outcome_can_be_reported_later_under_the_same_claim_id(agent: Agent, approved_handle: Any) -> None:
    await approved_handle.claim()
    later = await agent.client.handle(approved_handle.decision_package_id, claim_id=approved_handle.claim_id)
    await later.succeeded("Found in the log: it was read.")
    assert await agent.execution(approved_handle) == "succeeded"


async def test_waiting_again_returns_how_the_permission_was_used(agent: Agent, approved_handle: Any) -> None:
    await approved_handle.claim()
    first = await (await agent.client.handle(approved_handle.decision_package_id)).wait()
    await approved_handle.succeeded()
    second = await (await agent.client.handle(approved_handle.decision_package_id)).wait()
    assert (type(first), first.permits, type(second), second.permits) == (Unknown, False, Executed, False)


async def test_an_expired_permission_permits_nothing(agent: Agent, approved_handle: Any) -> None:
    await agent.office.passes(3 * DAY)
    later = await agent.client.handle(approved_handle.decision_package_id)
    assert isinstance(await later.wait(), Lapsed)


async def test_a_success_that_cannot_be_reported_raises_an_unreported_error(agent: Agent) -> None:
    agent.lose_patience()
    handle = await agent.request()
    await agent.approve_and_wait(handle)
    with pytest.raises(UnreportedError, match="Do not run it again") as unreported:
        async with agent.executing(handle):
            agent.network.down = True
    assert unreported.value.claim_id == handle.claim_id
    assert await agent.execution(handle) == "claimed"


@pytest.mark.parametrize("detail", ["a\x00b\x1b[31m", "x" * 5000, "\n \t", "\u202eabc"])
async def test_a_report_accepts_any_text(agent: Agent, approved_handle: Any, detail: str) -> None:
    await approved_handle.claim()
    await approved_handle.failed(detail)
    assert await agent.execution(approved_handle) == "failed"
