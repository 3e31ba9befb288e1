"""A gated function runs only after approval. Every other decision has its own exception or outcome."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from countersign import (
    Cancelled,
    Expired,
    ExpiredError,
    Outcome,
    Overridden,
    Rejected,
    RejectedError,
    Revise,
    RevisionWantedError,
    StillPendingError,
    TakenOver,
    run,
)
from rules.state.commands import Verb
from tests.bot.slack.office import HARD, SENTA
from tests.rules.world import HOUR
from tests.sdk.agents import Agent
from tests.sdk.records import Records


async def test_a_gated_function_runs_after_approval_and_its_outcome_is_reported(agent: Agent, records: Records) -> None:
    calling = asyncio.ensure_future(agent.gate(records.read)("42"))
    await agent.approve_newest()
    assert await calling == "record 42"
    assert records.calls == [("42", 1)]
    package = await agent.wait_for_package("approved")
    assert package.body["execution"]["state"] == "succeeded"
    assert package.body["decision"]["action_parameters"] == {"record": "42", "copies": 1}


async def test_a_gated_function_does_not_run_before_approval(agent: Agent, records: Records) -> None:
    calling = asyncio.ensure_future(agent.gate(records.read)("42"))
    await agent.wait_for_package()
    assert records.calls == []
    await agent.approve_newest()
    await calling


async def test_a_call_that_needs_no_approval_runs_at_once(agent: Agent, records: Records) -> None:
    assert await agent.gate(records.read, risk_level="low")("42") == "record 42"


async def test_a_rejection_raises_with_its_reason_and_nothing_runs(agent: Agent, records: Records) -> None:
    calling = asyncio.ensure_future(agent.gate(records.read)("42"))
    await agent.give_newest(Verb.REJECT, comment="Not this one.")
    with pytest.raises(RejectedError, match="Not this one") as refused:
        await calling
    assert isinstance(refused.value.outcome, Rejected)
    assert records.calls == []


async def test_a_rejection_is_returned_if_the_gate_returns_refusals(agent: Agent, records: Records) -> None:
    calling = asyncio.ensure_future(agent.gate(records.read, refusals="return")("42"))
    await agent.give_newest(Verb.REJECT, comment="Not this one.")
    assert isinstance(await calling, Rejected)
    assert records.calls == []


async def test_an_expired_package_is_not_a_rejection(agent: Agent, records: Records) -> None:
    end = (agent.office.clock() + HOUR).isoformat()
    calling = asyncio.ensure_future(agent.gate(records.read, expires_at=end)("42"))
    await agent.wait_for_package()
    await agent.office.passes(2 * HOUR)
    with pytest.raises(ExpiredError) as expired:
        await calling
    assert not isinstance(expired.value, RejectedError)
    assert isinstance(expired.value.outcome, Expired)


async def test_a_timeout_is_not_a_refusal_and_the_function_can_be_called_again(agent: Agent, records: Records) -> None:
    read = agent.gate(records.read, timeout=0.2)
    with run("run-1"):
        with pytest.raises(StillPendingError):
            await read("42")
        await agent.approve_newest()
        assert await read("42") == "record 42"
    assert records.calls == [("42", 1)]


@pytest.mark.parametrize("decision", ["stop", "other"])
async def test_an_override_that_does_not_proceed_permits_nothing(agent: Agent, records: Records, decision: str) -> None:
    calling = asyncio.ensure_future(agent.gate(records.read, recommendation="clarify", refusals="return")("42"))
    await agent.give_newest(
        Verb.OVERRIDE, override_decision=decision, override_reason="I know it.", evidence_refs="doc 2"
    )
    assert isinstance(await calling, Overridden)
    assert records.calls == []


async def test_an_override_to_proceed_permits_the_call(agent: Agent, records: Records) -> None:
    calling = asyncio.ensure_future(agent.gate(records.read, recommendation="clarify")("42"))
    await agent.give_newest(
        Verb.OVERRIDE, override_decision="proceed", override_reason="I know it.", evidence_refs="doc 2"
    )
    assert await calling == "record 42"


async def test_a_takeover_permits_nothing(agent: Agent, records: Records) -> None:
    calling = asyncio.ensure_future(agent.gate(records.read, refusals="return")("42"))
    await agent.give_newest(Verb.TAKE_OVER, comment="I do it.")
    assert isinstance(await calling, TakenOver)
    assert records.calls == []


async def test_without_a_revise_callback_a_wish_for_changes_is_a_refusal(agent: Agent, records: Records) -> None:
    calling = asyncio.ensure_future(agent.gate(records.read)("42"))
    await agent.give_newest(Verb.REVISE, instructions="Read record 43.")
    with pytest.raises(RevisionWantedError) as wanted:
        await calling
    assert isinstance(wanted.value.outcome, Revise)
    assert wanted.value.outcome.instructions == "Read record 43."


async def test_the_revise_callback_changes_the_arguments_that_run(agent: Agent, records: Records) -> None:
    def rework(wanted: Revise, record: str) -> dict[str, Any]:
        return {"action_parameters": {"record": wanted.instructions[-3:-1]}, "rationale": f"Not {record}."}

    calling = asyncio.ensure_future(agent.gate(records.read, revise=rework)("42"))
    await agent.give_newest(Verb.REVISE, instructions="Read record 43.")
    card = await agent.card(await agent.wait_for_package())
    assert "record '42' → '43'" in card.shown.replace('"', "'")
    await agent.office.approve(SENTA, card)
    assert await calling == "record 43"


async def test_the_package_is_withdrawn_after_the_last_revision(agent: Agent, records: Records) -> None:
    copies = iter(range(2, 9))

    def rework(_: Revise) -> dict[str, Any]:
        return {"action_parameters": {"copies": next(copies)}}

    calling = asyncio.ensure_future(agent.gate(records.read, revise=rework, revisions=2, refusals="return")("42"))
    for _ in range(3):
        await agent.give_newest(Verb.REVISE, instructions="Another number.")
    assert isinstance(await calling, Cancelled)
    assert records.calls == []


# ---- the package moves on while the agent reworks it


Step = Callable[[], Awaitable[None]]


async def outcome_after(agent: Agent, records: Records, *steps: Step) -> Any:
    """The outcome of a call if people take one of these steps each time while the agent reworks its package."""
    remaining = iter(steps)

    async def rework(_: Revise) -> dict[str, Any]:
        await next(remaining)()
        return {"action_parameters": {"copies": 2}}

    end = (agent.office.clock() + HOUR).isoformat()
    options = {"expires_at": end, "refusals": "return", "timeout": 60}
    calling = asyncio.ensure_future(agent.gate(records.read, revise=agent.callback(rework), **options)("42"))
    await agent.give_newest(Verb.REVISE, instructions="Two copies.")
    return await calling


def giving(agent: Agent, verb: Verb) -> Step:
    async def give() -> None:
        card = await agent.card(await agent.wait_for_package("revision_requested"))
        await agent.office.give(SENTA, card, verb, {"comment": "Never mind."})

    return give


@pytest.mark.parametrize(("verb", "outcome"), [(Verb.REJECT, Rejected), (Verb.TAKE_OVER, TakenOver)])
async def test_a_decision_during_the_rework_is_the_outcome(
    agent: Agent, records: Records, verb: Verb, outcome: type[Outcome]
) -> None:
    assert isinstance(await outcome_after(agent, records, giving(agent, verb)), outcome)
    assert records.calls == []


async def test_a_package_that_ends_during_the_rework_has_expired(agent: Agent, records: Records) -> None:
    async def end() -> None:
        await agent.office.passes(2 * HOUR)

    assert isinstance(await outcome_after(agent, records, end), Expired)
    assert records.calls == []


async def test_the_agent_answers_what_people_say_of_a_version_that_another_worker_sent_during_the_rework(
    agent: Agent, records: Records
) -> None:
    async def send_version() -> None:
        package = await agent.wait_for_package("revision_requested")
        other = await agent.client.handle(package.id)
        await other.revise(**HARD | {"action_parameters": {"record": "43"}})
        await agent.give_newest(Verb.REVISE, instructions="Three copies.")

    assert isinstance(await outcome_after(agent, records, send_version, giving(agent, Verb.REJECT)), Rejected)


async def test_a_package_decided_just_before_it_is_withdrawn_keeps_its_decision(agent: Agent) -> None:
    handle = await agent.request()
    await agent.decide_and_wait(handle, Verb.REVISE, {"instructions": "Two copies."})
    await giving(agent, Verb.REJECT)()
    assert isinstance(await handle.settle(lambda _: {}, revisions=0), Rejected)
