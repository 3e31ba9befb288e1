"""An agent leaves a thread alone while a person holds it, and never waits for a hand-back that cannot come."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from countersign import (
    Cancelled,
    EvidenceWanted,
    Expired,
    NotTakenOverError,
    Rejected,
    Revise,
    StillPendingError,
    TakenOver,
    ThreadTakenOverError,
)
from countersign.takeover import hand_over
from rules.state.commands import Verb
from tests.bot.slack.office import HARD, SENTA
from tests.sdk.agents import Agent, as_answer

THREAD: dict[str, Any] = {"thread_id": "thr-1"}
HANDED_OVER = hand_over(
    "thr-1",
    summary="The refund of order 456",
    stopping_reason="The bank refuses twice.",
    work_completed=["Asked the carrier"],
    current_state={"attempts": 2},
    next_steps=["Call the bank"],
)


async def give_verb(agent: Agent, handle: Any, verb: Verb, **values: Any) -> None:
    await agent.office.give(SENTA, await agent.card(handle), verb, values)


async def test_an_agent_hands_its_thread_over_and_gets_it_back(agent: Agent) -> None:
    handle = await agent.client.request(**HANDED_OVER)
    assert handle.level == "human_takeover"
    with pytest.raises(ThreadTakenOverError):
        await agent.request(**THREAD)
    await agent.decide_and_wait(handle, Verb.TAKE_OVER, {"comment": "I call them."})
    with pytest.raises(ThreadTakenOverError):
        await agent.gate(lambda record: record, **THREAD, action_type="record.read")("42")
    back = asyncio.ensure_future(handle.handed_back(timeout=10))
    await agent.office.give(SENTA, await agent.card(handle), Verb.HAND_BACK, {"comment": "Done."})
    await back
    assert (await agent.request(HARD, **THREAD)).status == "pending"
    assert as_answer(handle).body["status"] == "taken_over"


async def test_a_takeover_leaves_the_thread_alone_until_it_is_handed_back(agent: Agent) -> None:
    handle = await agent.request(thread_id="thr-1")
    outcome = await agent.decide_and_wait(handle, Verb.TAKE_OVER, {"comment": "I call them."})
    assert isinstance(outcome, TakenOver)
    with pytest.raises(StillPendingError):
        await handle.handed_back(timeout=0.05)
    await agent.office.give(SENTA, await agent.card(handle), Verb.HAND_BACK, {"comment": "Done."})
    await handle.handed_back(timeout=5)


async def test_waiting_for_a_hand_back_raises_if_nobody_took_over(agent: Agent) -> None:
    """After the expiry the thread stays read-only until a person hands it back, but the agent stops waiting."""
    handle = await agent.client.request(**HANDED_OVER, expires_at=in_an_hour(agent))
    waiting = asyncio.ensure_future(handle.handed_back())
    await agent.office.passes(timedelta(hours=2))
    with pytest.raises(NotTakenOverError, match="nobody has taken over") as nobody:
        await waiting
    assert isinstance(nobody.value.outcome, Expired)
    with pytest.raises(ThreadTakenOverError):
        await agent.request(**THREAD)
    await give_verb(agent, handle, Verb.HAND_BACK, comment="Go on.")
    await handle.handed_back()
    assert (await agent.request(**THREAD)).status == "pending"


@pytest.mark.parametrize(
    ("verb", "words", "kind"),
    [
        (Verb.REJECT, {"comment": "Not mine."}, Rejected),
        (Verb.REVISE, {"instructions": "Say what the bank said."}, Revise),
        (Verb.REQUEST_MORE_EVIDENCE, {"instructions": "Show the answer."}, EvidenceWanted),
    ],
)
async def test_waiting_for_a_hand_back_raises_what_people_decided_instead(
    agent: Agent, verb: Verb, words: dict[str, str], kind: type
) -> None:
    handle = await agent.client.request(**HANDED_OVER)
    waiting = asyncio.ensure_future(handle.handed_back())
    await give_verb(agent, handle, verb, **words)
    with pytest.raises(NotTakenOverError) as instead:
        await waiting
    assert isinstance(instead.value.outcome, kind)


async def test_waiting_for_a_hand_back_raises_if_the_package_was_withdrawn(agent: Agent) -> None:
    handle = await agent.client.request(**HANDED_OVER)
    await handle.cancel("Never mind.")
    with pytest.raises(NotTakenOverError) as withdrawn:
        await handle.handed_back()
    assert isinstance(withdrawn.value.outcome, Cancelled)


async def test_waiting_for_a_hand_back_waits_past_a_deferral(agent: Agent) -> None:
    handle = await agent.client.request(**HANDED_OVER)
    waiting = asyncio.ensure_future(handle.handed_back())
    await give_verb(agent, handle, Verb.DEFER, until=timestamp_in(agent, timedelta(hours=2)), comment="After lunch.")
    await agent.office.passes(timedelta(hours=3))
    await give_verb(agent, handle, Verb.TAKE_OVER, comment="I call them.")
    await give_verb(agent, handle, Verb.HAND_BACK, comment="Done.")
    await waiting


async def test_a_wait_for_a_hand_back_ends_at_its_timeout_while_the_network_is_cut(agent: Agent) -> None:
    handle = await agent.client.request(**HANDED_OVER)
    await agent.network.cut()
    with pytest.raises(StillPendingError, match="cannot be reached"):
        await handle.handed_back(timeout=0.05)


async def test_a_package_without_a_thread_has_nothing_to_hand_back(agent: Agent) -> None:
    handle = await agent.request()
    with pytest.raises(ValueError, match="belongs to no thread"):
        await handle.handed_back()


def timestamp_in(agent: Agent, span: timedelta) -> int:
    return int((agent.office.clock() + span).timestamp())


def in_an_hour(agent: Agent) -> str:
    return (agent.office.clock() + timedelta(hours=1)).isoformat()
