"""A permission is taken once, before it lapses, for exactly what was approved; and what came of it is told."""

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

# Threads ask as tasks do: tests/sdk/test_enduring.py claims from async code.
pytestmark = pytest.mark.parametrize("agent", ["sync"], indirect=True)


@pytest.fixture
async def approved(agent: Agent) -> Any:
    handle = await agent.asks()
    await agent.approved(handle)
    return handle


async def test_a_claim_gives_the_parameters_as_approved(agent: Agent, approved: Any) -> None:
    assert await approved.claim() == PARAMETERS
    assert (approved.execution, approved.may_proceed) == ("claimed", False)


async def test_the_same_handle_may_claim_again_and_another_may_not(agent: Agent, approved: Any) -> None:
    other = await agent.client.handle(approved.decision_package_id)
    await approved.claim()
    await approved.claim()
    with pytest.raises(AlreadyClaimedError):
        await other.claim()


async def test_of_many_workers_one_gets_it(agent: Agent, approved: Any) -> None:
    workers = [await agent.client.handle(approved.decision_package_id) for _ in range(6)]
    taken = await asyncio.gather(*(each.claim() for each in workers), return_exceptions=True)
    assert [each for each in taken if not isinstance(each, AlreadyClaimedError)] == [PARAMETERS]


@pytest.mark.parametrize("state", ["succeeded", "failed", "rolled_back"])
async def test_what_came_of_it_is_reported(agent: Agent, approved: Any, state: str) -> None:
    await approved.claim()
    await getattr(approved, state)("In a sentence.")
    assert await agent.execution(approved) == state


async def test_the_digest_is_the_services_own(agent: Agent, approved: Any) -> None:
    assert action_digest("record.read", PARAMETERS) == approved.action_digest


async def test_a_digest_of_something_else_is_refused(agent: Agent, approved: Any) -> None:
    with pytest.raises(DigestMismatchError):
        await approved.claim(action_digest("record.read", {"record": "43"}))
    assert await agent.execution(approved) == "none"


async def test_what_lapsed_cannot_be_claimed(agent: Agent, approved: Any) -> None:
    await agent.office.passes(3 * DAY)
    with pytest.raises(ApprovalLapsedError, match="submit the action again"):
        await approved.claim()


async def test_what_was_revoked_cannot_be_claimed(agent: Agent, approved: Any) -> None:
    await agent.office.give(SENTA, await agent.card(approved), Verb.REVOKE, {"comment": "Wrong customer."})
    with pytest.raises(MayNotProceedError):
        await approved.claim()


async def test_what_nobody_decided_cannot_be_claimed(agent: Agent) -> None:
    with pytest.raises(MayNotProceedError):
        await (await agent.asks()).claim()


async def test_a_paused_agent_claims_nothing(agent: Agent, approved: Any) -> None:
    await agent.office.pause()
    with pytest.raises(AgentPausedError):
        await approved.claim()


async def test_what_was_done_under_a_claim_can_be_reported_later(agent: Agent, approved: Any) -> None:
    await approved.claim()
    later = await agent.client.handle(approved.decision_package_id, claim_id=approved.claim_id)
    await later.succeeded("Found in the log: it was read.")
    assert await agent.execution(approved) == "succeeded"


async def test_who_asks_again_is_told_what_became_of_the_permission(agent: Agent, approved: Any) -> None:
    await approved.claim()
    first = await (await agent.client.handle(approved.decision_package_id)).wait()
    await approved.succeeded()
    second = await (await agent.client.handle(approved.decision_package_id)).wait()
    assert (type(first), first.permits, type(second), second.permits) == (Unknown, False, Executed, False)


async def test_a_permission_that_lapsed_permits_nothing(agent: Agent, approved: Any) -> None:
    await agent.office.passes(3 * DAY)
    later = await agent.client.handle(approved.decision_package_id)
    assert isinstance(await later.wait(), Lapsed)


async def test_what_is_done_and_cannot_be_reported_is_not_to_be_done_again(agent: Agent) -> None:
    agent.gives_up_soon()
    approved = await agent.asks()
    await agent.approved(approved)
    with pytest.raises(UnreportedError, match="Do not run it again") as unreported:
        async with agent.executing(approved):
            agent.network.down = True
    assert unreported.value.claim_id == approved.claim_id
    assert await agent.execution(approved) == "claimed"


@pytest.mark.parametrize("detail", ["a\x00b\x1b[31m", "x" * 5000, "\n \t", "\u202eabc"])
async def test_any_text_can_be_reported(agent: Agent, approved: Any, detail: str) -> None:
    await approved.claim()
    await approved.failed(detail)
    assert await agent.execution(approved) == "failed"
