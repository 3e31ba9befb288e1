"""An agent hands a thread to another one, which receives it, works on it and returns it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from countersign import AsyncClient, HandoffError, NotFoundError, RejectedError, StillPendingError
from rules.state.commands import Verb
from tests.bot.api.threads.handoffs import ALLOWED, NEEDS_PERSON
from tests.bot.slack.office import HARD, POLICY, SENTA, Office, open_office
from tests.sdk.agents import QUICK, Agent
from tests.sdk.network import Network

ASK = {name: HARD[name] for name in ("evidence_refs", "known_uncertainties", "consequence", "policy_basis")} | {
    "side_effect_preview": {"moves": 1}
}
OFFER: dict[str, Any] = {"to_agent": "Writer", "reason": "The sources are read."}


@pytest.fixture
async def office(database_url: str, tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Office]:
    async with open_office(database_url, tmp_path, POLICY + getattr(request, "param", ALLOWED)) as opened:
        yield opened


@pytest.fixture
async def writer(office: Office, wire: Network) -> AsyncIterator[AsyncClient]:
    async with AsyncClient(wire.url, await office.hire("Writer"), patience=QUICK) as client:
        yield client


async def test_a_delegate_receives_a_thread_and_returns_it_with_a_result(agent: Agent, writer: AsyncClient) -> None:
    await agent.request(thread_id="case-1")
    offered = await agent.client.hand_off(
        "case-1", **OFFER, mode="delegate", captured_state={"read": 3}, user_context={"customer": "4711"}
    )
    async for received in writer.receive_handoffs(timeout=5):
        assert (received.captured_state, received.user_context) == ({"read": 3}, {"customer": "4711"})
        await received.accept()
        assert (await offered.wait())["status"] == "accepted"
        assert (await writer.thread(received.thread_id).read())["packages"] != []
        await received.return_result("The report is written.", {"report": 7})
        break
    returned = await offered.wait()
    assert (returned["result"], returned["result_state"]) == ("The report is written.", {"report": 7})


async def test_a_declined_offer_says_why_and_the_next_offer_is_another_one(agent: Agent, writer: AsyncClient) -> None:
    offered = await agent.client.hand_off("case-1", **OFFER)
    async for received in writer.receive_handoffs(timeout=5):
        await received.decline("I write no reports.")
        break
    assert (await offered.wait())["decline_reason"] == "I write no reports."
    assert (await offered.wait())["status"] == "declined"  # nothing can follow
    with pytest.raises(HandoffError, match="declined"):
        await received.accept()
    again = await agent.client.hand_off("case-1", **OFFER)
    assert (again.status, again.handoff_id == offered.handoff_id) == ("offered", False)


async def test_a_restarted_agent_finds_its_open_handoff(agent: Agent, writer: AsyncClient) -> None:
    state = {"captured_state": {"read": 3}}
    offered = await agent.client.hand_off("case-1", **OFFER, **state)
    assert (await agent.client.hand_off("case-1", **OFFER, **state)).handoff_id == offered.handoff_id
    with pytest.raises(HandoffError, match="already offered"):
        await agent.client.hand_off("case-1", **OFFER, captured_state={"read": 4})
    await (await anext(aiter(writer.receive_handoffs(timeout=5)))).accept()
    assert (await agent.client.hand_off("case-1", **OFFER, **state)).status == "accepted"


async def test_waiting_has_an_end(agent: Agent, writer: AsyncClient) -> None:
    offered = await agent.client.hand_off("case-1", **OFFER)
    with pytest.raises(StillPendingError, match="still offered") as late:
        await offered.wait(timeout=0.05)
    assert late.value.decision_package_id is None
    async with AsyncClient(agent.network.url, agent.office.key, patience=QUICK) as giver:
        assert [received async for received in giver.receive_handoffs(timeout=0.05)] == []


async def test_what_cannot_be_handed_over_is_an_error_that_says_why(agent: Agent, writer: AsyncClient) -> None:
    with pytest.raises(HandoffError, match="hand it to Nobody"):
        await agent.client.hand_off("case-1", to_agent="Nobody", reason="Go on.")
    offered = await agent.client.hand_off("case-1", **OFFER)
    await anext(aiter(writer.receive_handoffs(timeout=5)))
    with pytest.raises(NotFoundError):
        await offered.accept()


@pytest.mark.parametrize("office", [NEEDS_PERSON], indirect=True)
async def test_if_the_policy_wants_a_person_first_the_agent_asks_and_waits(agent: Agent, writer: AsyncClient) -> None:
    asking = asyncio.ensure_future(agent.client.hand_off("case-1", **OFFER, ask=ASK))
    await agent.approve_newest()
    assert (await asking).status == "offered"
    assert (await anext(aiter(writer.receive_handoffs(timeout=5)))).status == "offered"


@pytest.mark.parametrize("office", [NEEDS_PERSON], indirect=True)
async def test_a_refused_handoff_is_not_offered(agent: Agent, writer: AsyncClient) -> None:
    asking = asyncio.ensure_future(agent.client.hand_off("case-1", **OFFER, ask=ASK))
    await agent.give_newest(Verb.REJECT, comment="Not this one.")
    with pytest.raises(RejectedError):
        await asking
    assert [received async for received in writer.receive_handoffs(timeout=0.05)] == []


@pytest.mark.parametrize("office", [NEEDS_PERSON], indirect=True)
async def test_an_approved_handoff_survives_a_crash_after_its_claim(agent: Agent, writer: AsyncClient) -> None:
    with pytest.raises(StillPendingError):
        await agent.client.hand_off("case-1", **OFFER, ask=ASK, timeout=0.1)
    package = await agent.wait_for_package()
    claimed = await agent.client.handle(package.id, claim_id=f"handoff-{package.id}")  # what an earlier process did
    await agent.office.approve(SENTA, await agent.card(package))
    await claimed.wait()
    await claimed.claim()
    handoff = await agent.client.hand_off("case-1", **OFFER, ask=ASK)
    assert (handoff.status, await agent.execution(package)) == ("offered", "succeeded")


@pytest.mark.parametrize("office", [NEEDS_PERSON], indirect=True)
async def test_an_offer_that_is_refused_after_all_is_reported_and_asked_anew(agent: Agent, writer: AsyncClient) -> None:
    asking = asyncio.ensure_future(agent.client.hand_off("case-1", **OFFER, ask=ASK))
    package = await agent.wait_for_package()
    await agent.office.pause("Writer")
    await agent.office.approve(SENTA, await agent.card(package))
    with pytest.raises(HandoffError, match="Only active agents"):
        await asking
    assert await agent.execution(package) == "failed"


async def test_a_thread_that_came_back_is_offered_again(agent: Agent, writer: AsyncClient) -> None:
    for number in range(2):
        offered = await agent.client.hand_off("case-1", **OFFER)
        assert (number, offered.status) == (number, "offered")
        await (await anext(aiter(writer.receive_handoffs(timeout=5)))).accept()
        back = await writer.hand_off("case-1", to_agent="Clerk", reason="Done.")
        async with AsyncClient(agent.network.url, agent.office.key, patience=QUICK) as clerk:
            await (await anext(aiter(clerk.receive_handoffs(timeout=5)))).accept()
        assert (await back.wait())["status"] == "accepted"
