"""A gated function runs after approval, or not at all; and what people decided instead is told as what it is."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from countersign import (
    Cancelled,
    Expired,
    ExpiredError,
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
from tests.bot.slack.office import SENTA
from tests.rules.world import HOUR
from tests.sdk.agents import Agent
from tests.sdk.records import Records


async def test_it_runs_after_approval_with_its_own_arguments_and_reports(agent: Agent, records: Records) -> None:
    calling = asyncio.ensure_future(agent.gated(records.read)("42"))
    await agent.approves()
    assert await calling == "record 42"
    assert records.read_ones == [("42", 1)]
    package = await agent.proposed("approved")
    assert package.body["execution"]["state"] == "succeeded"
    assert package.body["decision"]["action_parameters"] == {"record": "42", "copies": 1}


async def test_it_does_not_run_before(agent: Agent, records: Records) -> None:
    calling = asyncio.ensure_future(agent.gated(records.read)("42"))
    await agent.proposed()
    assert records.read_ones == []
    await agent.approves()
    await calling


async def test_what_needs_nobody_runs_at_once(agent: Agent, records: Records) -> None:
    assert await agent.gated(records.read, risk_level="low")("42") == "record 42"


async def test_a_rejection_is_raised_with_its_reason_and_nothing_runs(agent: Agent, records: Records) -> None:
    calling = asyncio.ensure_future(agent.gated(records.read)("42"))
    await agent.gives(Verb.REJECT, comment="Not this one.")
    with pytest.raises(RejectedError, match="Not this one") as refused:
        await calling
    assert isinstance(refused.value.outcome, Rejected)
    assert records.read_ones == []


async def test_or_given_back_by_choice(agent: Agent, records: Records) -> None:
    calling = asyncio.ensure_future(agent.gated(records.read, refusals="return")("42"))
    await agent.gives(Verb.REJECT, comment="Not this one.")
    assert isinstance(await calling, Rejected)
    assert records.read_ones == []


async def test_time_that_ran_out_is_not_a_rejection(agent: Agent, records: Records) -> None:
    end = (agent.office.clock() + HOUR).isoformat()
    calling = asyncio.ensure_future(agent.gated(records.read, expires_at=end)("42"))
    await agent.proposed()
    await agent.office.passes(2 * HOUR)
    with pytest.raises(ExpiredError) as expired:
        await calling
    assert not isinstance(expired.value, RejectedError)
    assert isinstance(expired.value.outcome, Expired)


async def test_its_own_patience_ends_without_a_refusal_and_it_can_be_called_again(
    agent: Agent, records: Records
) -> None:
    read = agent.gated(records.read, timeout=0.2)
    with run("run-1"):
        with pytest.raises(StillPendingError):
            await read("42")
        await agent.approves()
        assert await read("42") == "record 42"
    assert records.read_ones == [("42", 1)]


@pytest.mark.parametrize("decision", ["stop", "other"])
async def test_an_override_that_does_not_proceed_lets_nothing_through(
    agent: Agent, records: Records, decision: str
) -> None:
    calling = asyncio.ensure_future(agent.gated(records.read, recommendation="clarify", refusals="return")("42"))
    await agent.gives(Verb.OVERRIDE, override_decision=decision, override_reason="I know it.", evidence_refs="doc 2")
    assert isinstance(await calling, Overridden)
    assert records.read_ones == []


async def test_an_override_to_proceed_lets_it_through(agent: Agent, records: Records) -> None:
    calling = asyncio.ensure_future(agent.gated(records.read, recommendation="clarify")("42"))
    await agent.gives(Verb.OVERRIDE, override_decision="proceed", override_reason="I know it.", evidence_refs="doc 2")
    assert await calling == "record 42"


async def test_a_takeover_lets_nothing_through(agent: Agent, records: Records) -> None:
    calling = asyncio.ensure_future(agent.gated(records.read, refusals="return")("42"))
    await agent.gives(Verb.TAKE_OVER, comment="I do it.")
    assert isinstance(await calling, TakenOver)
    assert records.read_ones == []


async def test_without_a_rework_a_wish_for_changes_is_a_refusal(agent: Agent, records: Records) -> None:
    calling = asyncio.ensure_future(agent.gated(records.read)("42"))
    await agent.gives(Verb.REVISE, instructions="Read record 43.")
    with pytest.raises(RevisionWantedError) as wanted:
        await calling
    assert isinstance(wanted.value.outcome, Revise)
    assert wanted.value.outcome.instructions == "Read record 43."


async def test_a_rework_answers_with_new_arguments_and_those_run(agent: Agent, records: Records) -> None:
    def rework(wanted: Revise, record: str) -> dict[str, Any]:
        return {"action_parameters": {"record": wanted.instructions[-3:-1]}, "rationale": f"Not {record}."}

    calling = asyncio.ensure_future(agent.gated(records.read, revise=rework)("42"))
    await agent.gives(Verb.REVISE, instructions="Read record 43.")
    card = await agent.card(await agent.proposed())
    assert "read(record='43', copies=1)" in card.shown
    await agent.office.approve(SENTA, card)
    assert await calling == "record 43"


async def test_reworks_have_an_end_and_then_nobody_is_left_waiting(agent: Agent, records: Records) -> None:
    copies = iter(range(2, 9))

    def rework(_: Revise) -> dict[str, Any]:
        return {"action_parameters": {"copies": next(copies)}}

    calling = asyncio.ensure_future(agent.gated(records.read, revise=rework, revisions=2, refusals="return")("42"))
    for _ in range(3):
        await agent.gives(Verb.REVISE, instructions="Another number.")
    assert isinstance(await calling, Cancelled)
    assert records.read_ones == []
