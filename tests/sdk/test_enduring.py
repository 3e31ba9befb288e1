"""Requests are repeated until they are answered and take effect once, through restarts, cut networks and lost replies."""

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
    NotPermittedError,
    Patience,
    StillPendingError,
    UnauthenticatedError,
    UnreachableError,
)
from tests.bot.slack.office import HARD, Office
from tests.sdk.agents import QUICK, Agent, as_answer
from tests.sdk.host import run_host
from tests.sdk.network import Network

SHORT = Patience(total=0.05, poll=5.0, first_rest=0.01, longest_rest=0.02)


@pytest.fixture
async def agent(office: Office, wire: Network) -> AsyncIterator[Agent]:
    """An async agent only, because sync and async code share all retries."""
    async with AsyncClient(wire.url, office.key, patience=QUICK) as client:
        yield Agent(office, client, wire)


async def package_ids(office: Office) -> list[str]:
    return [package["decision_package_id"] for package in (await office.get("/v1/packages")).body["packages"]]


async def test_waits_and_requests_survive_a_restart_of_the_service(database_url: str, tmp_path: Path) -> None:
    patient = Patience(total=60, poll=5, first_rest=0.01, longest_rest=0.1)
    async with run_host(database_url, tmp_path) as host, AsyncClient(host.url, host.key, patience=patient) as client:
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


async def test_a_wait_survives_a_cut_network(agent: Agent) -> None:
    handle = await agent.request()
    agent.network.activity.clear()
    waiting = asyncio.ensure_future(handle.wait())
    await agent.network.activity.wait()  # the poll is on its way
    await agent.network.cut()
    await agent.office.approve("USENTA", await agent.card(handle))
    await agent.network.restore()
    assert isinstance(await waiting, Approved)


async def test_a_proposal_whose_reply_was_lost_is_one_proposal(agent: Agent) -> None:
    agent.network.answers_to_lose = 2
    handle = await agent.request()
    assert await package_ids(agent.office) == [handle.decision_package_id]


async def test_a_claim_whose_reply_was_lost_is_one_claim(agent: Agent) -> None:
    handle = await agent.request()
    await agent.approve_and_wait(handle)
    agent.network.answers_to_lose = 1
    assert await handle.claim() == HARD["action_parameters"]
    assert agent.network.lost.is_set()
    assert len(await agent.office.events(as_answer(handle), "execution.claimed")) == 1


async def test_a_report_whose_reply_was_lost_is_one_report(agent: Agent) -> None:
    handle = await agent.request()
    await agent.approve_and_wait(handle)
    await handle.claim()
    agent.network.answers_to_lose = 1
    await handle.succeeded("Read it.")
    assert len(await agent.office.events(as_answer(handle), "execution.succeeded")) == 1


async def test_a_new_version_whose_reply_was_lost_is_one_version(agent: Agent) -> None:
    handle = await agent.request()
    agent.network.answers_to_lose = 1
    await handle.revise(rationale="Said better.")
    assert handle.version == 2


async def test_a_withdrawal_whose_reply_was_lost_is_a_withdrawal(agent: Agent) -> None:
    handle = await agent.request()
    agent.network.answers_to_lose = 1
    await handle.cancel("No longer needed.")
    assert handle.status == "cancelled"


async def test_a_request_without_an_answer_is_sent_again_after_a_while(office: Office, wire: Network) -> None:
    brisk = Patience(total=5, poll=5, answer=0.3, first_rest=0.01, longest_rest=0.02)
    async with AsyncClient(wire.url, office.key, patience=brisk) as client:
        wire.mute = True
        asking = asyncio.ensure_future(client.request(**HARD))
        while not await package_ids(office):
            await wire.activity.wait()
        wire.mute = False
        handle = await asking
    assert await package_ids(office) == [handle.decision_package_id]


async def test_an_unreachable_service_raises_an_unreachable_error(office: Office, wire: Network) -> None:
    await wire.cut()
    async with AsyncClient(wire.url, office.key, patience=SHORT) as client:
        with pytest.raises(UnreachableError, match="safe to send the same request again"):
            await client.request(**HARD)


async def test_a_wait_that_ends_while_the_service_is_unreachable_is_not_a_refusal(agent: Agent) -> None:
    handle = await agent.request()
    await agent.network.cut()
    with pytest.raises(StillPendingError, match="cannot be reached") as late:
        await handle.wait(timeout=0.05)
    assert not isinstance(late.value, NotPermittedError)
    assert late.value.decision_package_id == handle.decision_package_id


async def test_a_wait_that_ends_leaves_the_package_pending(agent: Agent) -> None:
    handle = await agent.request()
    with pytest.raises(TimeoutError, match="nobody has decided yet"):
        await handle.wait(timeout=0.05)
    assert isinstance(await agent.approve_and_wait(handle), Approved)


async def test_a_wait_of_zero_seconds_asks_once(agent: Agent) -> None:
    handle = await agent.request()
    with pytest.raises(StillPendingError):
        await handle.wait(timeout=0)
    await agent.office.approve("USENTA", await agent.card(handle))
    assert isinstance(await handle.wait(timeout=0), Approved)


async def test_a_long_wait_is_many_bounded_polls(office: Office, wire: Network) -> None:
    async with AsyncClient(office.url, office.key, patience=Patience(poll=0.05, first_rest=0.001)) as client:
        agent = Agent(office, client, wire)
        handle = await agent.request()
        with pytest.raises(StillPendingError):
            await handle.wait(timeout=0.3)
        assert isinstance(await agent.approve_and_wait(handle), Approved)


async def test_a_restarted_agent_finds_its_package_again(agent: Agent) -> None:
    first = await agent.request(run_id="run-1", step="1")
    again = await agent.request(run_id="run-1", step="1")
    assert again.decision_package_id == first.decision_package_id
    assert isinstance(await agent.approve_and_wait(again), Approved)
    assert isinstance(await (await agent.request(run_id="run-1", step="1")).wait(), Approved)


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
    first = await agent.request(run_id="run-1", step="1")
    second = await agent.client.request(**{**HARD, **other})
    assert second.decision_package_id != first.decision_package_id


async def test_a_restarted_agent_that_words_its_proposal_differently_finds_the_first_one(agent: Agent) -> None:
    first = await agent.request(run_id="run-1")
    again = await agent.request(run_id="run-1", rationale="In other words.", confidence=0.9)
    assert (again.decision_package_id, again.version) == (first.decision_package_id, 1)


async def test_another_subject_or_another_question_is_another_package(agent: Agent) -> None:
    question = {name: value for name, value in HARD.items() if name != "action_parameters"} | {"kind": "question"}
    handles = [
        await agent.request(run_id="run-1"),
        await agent.request(run_id="run-1", subject_type="customer", subject_id="7"),
        await agent.request(question, run_id="run-1", title="Which colour?"),
        await agent.request(question, run_id="run-1", title="Which size?"),
    ]
    assert len({handle.decision_package_id for handle in handles}) == 4


async def test_an_agents_own_idempotency_key_is_used(agent: Agent) -> None:
    first = await agent.request(idempotency_key="order-456")
    again = await agent.request(idempotency_key="order-456")
    assert again.decision_package_id == first.decision_package_id
    with pytest.raises(IdempotencyConflictError, match="Use a new key"):
        await agent.request(idempotency_key="order-456", title="Something else")


async def test_a_package_is_found_again_by_its_id(agent: Agent) -> None:
    handle = await agent.request()
    same = await agent.client.handle(handle.decision_package_id)
    assert same.document == handle.document
    with pytest.raises(NotFoundError):
        await agent.client.handle("pkg_0")


async def test_wrong_fields_are_named(agent: Agent) -> None:
    with pytest.raises(InvalidProposalError, match="confidence") as wrong:
        await agent.request(confidence=2)
    assert [error["field"] for error in wrong.value.errors] == ["confidence"]


async def test_a_wrong_agent_key_raises_at_once(office: Office) -> None:
    async with AsyncClient(office.url, "csk_wrong") as client:
        with pytest.raises(UnauthenticatedError, match=r"No agent has this key.*countersign agents rotate"):
            await client.request(**HARD)


async def test_an_answer_without_json_raises_a_bad_answer_error(office: Office) -> None:
    async with AsyncClient(office.url + "/docs?", office.key) as client:
        with pytest.raises(BadAnswerError, match="COUNTERSIGN_URL"):
            await client.handle("pkg_1")


@pytest.mark.parametrize(
    ("url", "key", "message"),
    [
        ("127.0.0.1:8080", "csk_1", "COUNTERSIGN_URL must begin with http"),
        ("http://", "csk_1", "COUNTERSIGN_URL names no host"),
        ("http://127.0.0.1:80a", "csk_1", "COUNTERSIGN_URL names no host"),
        (None, None, "COUNTERSIGN_AGENT_KEY is not set"),
        (None, "csk_1\n", "without spaces or line ends"),
    ],
)
def test_a_client_says_which_setting_is_missing_or_wrong(
    monkeypatch: pytest.MonkeyPatch, url: str | None, key: str | None, message: str
) -> None:
    monkeypatch.delenv("COUNTERSIGN_AGENT_KEY", raising=False)
    with pytest.raises(ConfigurationError, match=message):
        AsyncClient(url, key)


async def test_a_client_takes_its_address_and_key_from_the_environment(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COUNTERSIGN_URL", office.url)
    monkeypatch.setenv("COUNTERSIGN_AGENT_KEY", office.key)
    async with AsyncClient() as client:
        assert (await client.request(**HARD)).status == "pending"
