"""What an agent says is said until it is answered, and never twice: through restarts, cut networks and lost replies."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from countersign import (
    Approved,
    AsyncClient,
    BadAnswerError,
    ConfigurationError,
    IdempotencyConflictError,
    InvalidProposalError,
    NotFoundError,
    Patience,
    Rejected,
    StillPendingError,
    UnauthenticatedError,
    UnreachableError,
)
from tests.bot.slack.office import HARD, Office
from tests.sdk.agents import QUICK, Agent, told
from tests.sdk.host import hosted
from tests.sdk.network import Network

SHORT = Patience(total=0.05, poll=5.0, first_rest=0.01, longest_rest=0.02)


@pytest.fixture
async def agent(office: Office, wire: Network) -> AsyncIterator[Agent]:
    """In async code alone: what is sent again, and when, is the same code in both."""
    async with AsyncClient(wire.url, office.key, patience=QUICK) as client:
        yield Agent(office, client, wire)


async def packages(office: Office) -> list[str]:
    return [each["decision_package_id"] for each in (await office.get("/v1/packages")).body["packages"]]


async def test_what_waits_and_what_is_asked_meanwhile_outlives_the_service(database_url: str, tmp_path: Path) -> None:
    patient = Patience(total=60, poll=5, first_rest=0.01, longest_rest=0.1)
    async with hosted(database_url, tmp_path) as host, AsyncClient(host.url, host.key, patience=patient) as client:
        handle = await client.request(**HARD)
        waiting = asyncio.ensure_future(handle.wait())
        await host.card()
        await host.kill()
        asking = asyncio.ensure_future(client.request(**HARD))
        await host.start()
        await host.approve()
        assert isinstance(await waiting, Approved)
        assert await handle.claim() == HARD["action_parameters"]
        assert (await asking).status == "pending"


async def test_waiting_outlives_the_network(agent: Agent) -> None:
    handle = await agent.asks()
    agent.network.used.clear()
    waiting = asyncio.ensure_future(handle.wait())
    await agent.network.used.wait()  # the poll is on its way
    await agent.network.cut()
    await agent.office.approve("USENTA", await agent.card(handle))
    await agent.network.mend()
    assert isinstance(await waiting, Approved)


async def test_a_proposal_whose_reply_was_lost_is_one_proposal(agent: Agent) -> None:
    agent.network.answers_to_lose = 2
    handle = await agent.asks()
    assert await packages(agent.office) == [handle.decision_package_id]


async def test_a_claim_whose_reply_was_lost_is_one_claim(agent: Agent) -> None:
    handle = await agent.asks()
    await agent.approved(handle)
    agent.network.answers_to_lose = 1
    assert await handle.claim() == HARD["action_parameters"]
    assert agent.network.lost.is_set()
    assert len(await agent.office.events(told(handle), "execution.claimed")) == 1


async def test_a_report_whose_reply_was_lost_is_one_report(agent: Agent) -> None:
    handle = await agent.asks()
    await agent.approved(handle)
    await handle.claim()
    agent.network.answers_to_lose = 1
    await handle.succeeded("Read it.")
    assert len(await agent.office.events(told(handle), "execution.succeeded")) == 1


async def test_a_new_version_whose_reply_was_lost_is_one_version(agent: Agent) -> None:
    handle = await agent.asks()
    agent.network.answers_to_lose = 1
    await handle.revise(rationale="Said better.")
    assert handle.version == 2


async def test_a_withdrawal_whose_reply_was_lost_is_a_withdrawal(agent: Agent) -> None:
    handle = await agent.asks()
    agent.network.answers_to_lose = 1
    await handle.cancel("No longer needed.")
    assert handle.status == "cancelled"


async def test_a_network_that_swallows_what_it_carries_is_not_waited_for_for_ever(
    office: Office, wire: Network
) -> None:
    brisk = Patience(total=5, poll=5, answer=0.3, first_rest=0.01, longest_rest=0.02)
    async with AsyncClient(wire.url, office.key, patience=brisk) as client:
        wire.mute = True
        asking = asyncio.ensure_future(client.request(**HARD))
        while not await packages(office):
            await wire.used.wait()
        wire.mute = False
        handle = await asking
    assert await packages(office) == [handle.decision_package_id]


async def test_a_service_out_of_reach_is_told_as_that(office: Office, wire: Network) -> None:
    await wire.cut()
    async with AsyncClient(wire.url, office.key, patience=SHORT) as client:
        with pytest.raises(UnreachableError, match="saying the same again is safe"):
            await client.request(**HARD)


async def test_a_wait_that_ends_while_nobody_is_in_reach_is_no_refusal(agent: Agent) -> None:
    handle = await agent.asks()
    await agent.network.cut()
    with pytest.raises(StillPendingError, match="cannot be reached") as late:
        await handle.wait(timeout=0.05)
    assert not isinstance(late.value, Rejected)
    assert late.value.decision_package_id == handle.decision_package_id


async def test_a_wait_that_ends_leaves_the_package_waiting(agent: Agent) -> None:
    handle = await agent.asks()
    with pytest.raises(TimeoutError, match="nobody has decided yet"):
        await handle.wait(timeout=0.05)
    assert isinstance(await agent.approved(handle), Approved)


async def test_a_wait_of_no_time_asks_once(agent: Agent) -> None:
    handle = await agent.asks()
    with pytest.raises(StillPendingError):
        await handle.wait(timeout=0)
    await agent.office.approve("USENTA", await agent.card(handle))
    assert isinstance(await handle.wait(timeout=0), Approved)


async def test_long_waits_are_many_bounded_polls(office: Office, wire: Network) -> None:
    async with AsyncClient(office.url, office.key, patience=Patience(poll=0.05, first_rest=0.001)) as client:
        agent = Agent(office, client, wire)
        handle = await agent.asks()
        with pytest.raises(StillPendingError):
            await handle.wait(timeout=0.3)
        assert isinstance(await agent.approved(handle), Approved)


async def test_an_agent_that_starts_again_comes_back_to_its_package(agent: Agent) -> None:
    first = await agent.asks(run_id="run-1", step="1")
    again = await agent.asks(run_id="run-1", step="1")
    assert again.decision_package_id == first.decision_package_id
    assert isinstance(await agent.approved(again), Approved)
    assert isinstance(await (await agent.asks(run_id="run-1", step="1")).wait(), Approved)


@pytest.mark.parametrize(
    "other",
    [
        {"run_id": "run-2", "step": "1"},
        {"run_id": "run-1", "step": "2"},
        {"run_id": "run-1", "step": "1", "action_parameters": {"record": "43"}},
    ],
    ids=["run", "step", "action"],
)
async def test_another_run_step_or_action_is_another_package(agent: Agent, other: dict[str, str]) -> None:
    first = await agent.asks(run_id="run-1", step="1")
    second = await agent.client.request(**{**HARD, **other})
    assert second.decision_package_id != first.decision_package_id


async def test_a_restarted_agent_that_words_it_otherwise_comes_back_to_what_it_asked_first(agent: Agent) -> None:
    first = await agent.asks(run_id="run-1")
    again = await agent.asks(run_id="run-1", rationale="In other words.", confidence=0.9)
    assert (again.decision_package_id, again.version) == (first.decision_package_id, 1)


async def test_another_subject_or_another_question_is_another_package(agent: Agent) -> None:
    question = {name: value for name, value in HARD.items() if name != "action_parameters"} | {"kind": "question"}
    asked = [
        await agent.asks(run_id="run-1"),
        await agent.asks(run_id="run-1", subject_type="customer", subject_id="7"),
        await agent.asks(question, run_id="run-1", title="Which colour?"),
        await agent.asks(question, run_id="run-1", title="Which size?"),
    ]
    assert len({each.decision_package_id for each in asked}) == 4


async def test_a_key_of_ones_own_is_kept(agent: Agent) -> None:
    first = await agent.asks(idempotency_key="order-456")
    again = await agent.asks(idempotency_key="order-456")
    assert again.decision_package_id == first.decision_package_id
    with pytest.raises(IdempotencyConflictError, match="use a new key"):
        await agent.asks(idempotency_key="order-456", title="Something else")


async def test_a_package_is_found_again_by_its_id(agent: Agent) -> None:
    handle = await agent.asks()
    found = await agent.client.handle(handle.decision_package_id)
    assert found.document == handle.document
    with pytest.raises(NotFoundError):
        await agent.client.handle("pkg_0")


async def test_wrong_fields_are_named(agent: Agent) -> None:
    with pytest.raises(InvalidProposalError, match="confidence") as wrong:
        await agent.asks(confidence=2)
    assert [each["field"] for each in wrong.value.errors] == ["confidence"]


async def test_a_wrong_key_is_told_at_once(office: Office) -> None:
    async with AsyncClient(office.url, "csk_wrong") as client:
        with pytest.raises(UnauthenticatedError, match=r"No agent has this key.*countersign agents rotate"):
            await client.request(**HARD)


async def test_who_answers_without_json_is_no_service(office: Office) -> None:
    async with AsyncClient(office.url + "/docs?", office.key) as client:
        with pytest.raises(BadAnswerError, match="COUNTERSIGN_URL"):
            await client.handle("pkg_1")


@pytest.mark.parametrize(
    ("url", "key", "said"),
    [
        ("127.0.0.1:8080", "csk_1", "COUNTERSIGN_URL must begin with http"),
        ("http://", "csk_1", "COUNTERSIGN_URL names no host"),
        ("http://127.0.0.1:80a", "csk_1", "COUNTERSIGN_URL names no host"),
        (None, None, "COUNTERSIGN_AGENT_KEY is not set"),
        (None, "csk_1\n", "without spaces or line ends"),
    ],
)
def test_a_client_says_what_it_was_not_told(
    monkeypatch: pytest.MonkeyPatch, url: str | None, key: str | None, said: str
) -> None:
    monkeypatch.delenv("COUNTERSIGN_AGENT_KEY", raising=False)
    with pytest.raises(ConfigurationError, match=said):
        AsyncClient(url, key)


async def test_a_client_takes_its_address_and_key_from_the_environment(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COUNTERSIGN_URL", office.url)
    monkeypatch.setenv("COUNTERSIGN_AGENT_KEY", office.key)
    async with AsyncClient() as client:
        assert (await client.request(**HARD)).status == "pending"
