"""A thread that a person holds is left alone until it is handed back; and nobody waits for a hand-back that cannot come."""

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
from tests.sdk.agents import Agent, told

THREAD: dict[str, Any] = {"thread_id": "thr-1"}
HANDED_OVER = hand_over(
    "thr-1",
    summary="The refund of order 456",
    stopping_reason="The bank refuses twice.",
    work_completed=["Asked the carrier"],
    current_state={"attempts": 2},
    next_steps=["Call the bank"],
)


async def give(agent: Agent, handle: Any, verb: Verb, **values: Any) -> None:
    await agent.office.give(SENTA, await agent.card(handle), verb, values)


async def test_an_agent_hands_over_stays_away_and_takes_back(agent: Agent) -> None:
    handle = await agent.client.request(**HANDED_OVER)
    assert handle.level == "human_takeover"
    with pytest.raises(ThreadTakenOverError):
        await agent.asks(**THREAD)
    await agent.decided(handle, Verb.TAKE_OVER, {"comment": "I call them."})
    with pytest.raises(ThreadTakenOverError):
        await agent.gated(lambda record: record, **THREAD, action_type="record.read")("42")
    back = asyncio.ensure_future(handle.handed_back(timeout=10))
    await agent.office.give(SENTA, await agent.card(handle), Verb.HAND_BACK, {"comment": "Done."})
    await back
    assert (await agent.asks(HARD, **THREAD)).status == "pending"
    assert told(handle).body["status"] == "taken_over"


async def test_a_takeover_leaves_the_thread_alone_until_it_is_handed_back(agent: Agent) -> None:
    handle = await agent.asks(thread_id="thr-1")
    outcome = await agent.decided(handle, Verb.TAKE_OVER, {"comment": "I call them."})
    assert isinstance(outcome, TakenOver)
    with pytest.raises(StillPendingError):
        await handle.handed_back(timeout=0.05)
    await agent.office.give(SENTA, await agent.card(handle), Verb.HAND_BACK, {"comment": "Done."})
    await handle.handed_back(timeout=5)


async def test_who_takes_back_is_told_that_nobody_took_over_and_why(agent: Agent) -> None:
    """Time ran out: the thread stays read-only until somebody frees it, and the agent is not left waiting for that."""
    handle = await agent.client.request(**HANDED_OVER, expires_at=in_an_hour(agent))
    waiting = asyncio.ensure_future(handle.handed_back())
    await agent.office.passes(timedelta(hours=2))
    with pytest.raises(NotTakenOverError, match="nobody has taken over") as nobody:
        await waiting
    assert isinstance(nobody.value.outcome, Expired)
    with pytest.raises(ThreadTakenOverError):
        await agent.asks(**THREAD)
    await give(agent, handle, Verb.HAND_BACK, comment="Go on.")
    await handle.handed_back()
    assert (await agent.asks(**THREAD)).status == "pending"


@pytest.mark.parametrize(
    ("verb", "words", "kind"),
    [
        (Verb.REJECT, {"comment": "Not mine."}, Rejected),
        (Verb.REVISE, {"instructions": "Say what the bank said."}, Revise),
        (Verb.REQUEST_MORE_EVIDENCE, {"instructions": "Show the answer."}, EvidenceWanted),
    ],
)
async def test_who_takes_back_is_told_what_people_decided_instead(
    agent: Agent, verb: Verb, words: dict[str, str], kind: type
) -> None:
    handle = await agent.client.request(**HANDED_OVER)
    waiting = asyncio.ensure_future(handle.handed_back())
    await give(agent, handle, verb, **words)
    with pytest.raises(NotTakenOverError) as instead:
        await waiting
    assert isinstance(instead.value.outcome, kind)


async def test_what_was_withdrawn_is_handed_back_by_nobody(agent: Agent) -> None:
    handle = await agent.client.request(**HANDED_OVER)
    await handle.cancel("Never mind.")
    with pytest.raises(NotTakenOverError) as withdrawn:
        await handle.handed_back()
    assert isinstance(withdrawn.value.outcome, Cancelled)


async def test_what_is_only_put_off_is_waited_for(agent: Agent) -> None:
    handle = await agent.client.request(**HANDED_OVER)
    waiting = asyncio.ensure_future(handle.handed_back())
    await give(agent, handle, Verb.DEFER, until=at(agent, timedelta(hours=2)), comment="After lunch.")
    await agent.office.passes(timedelta(hours=3))
    await give(agent, handle, Verb.TAKE_OVER, comment="I call them.")
    await give(agent, handle, Verb.HAND_BACK, comment="Done.")
    await waiting


async def test_a_cut_network_ends_a_bounded_wait_for_the_thread_as_any_other(agent: Agent) -> None:
    handle = await agent.client.request(**HANDED_OVER)
    await agent.network.cut()
    with pytest.raises(StillPendingError, match="cannot be reached"):
        await handle.handed_back(timeout=0.05)


async def test_a_package_without_a_thread_has_nothing_to_hand_back(agent: Agent) -> None:
    handle = await agent.asks()
    with pytest.raises(ValueError, match="belongs to no thread"):
        await handle.handed_back()


def at(agent: Agent, span: timedelta) -> int:
    return int((agent.office.clock() + span).timestamp())


def in_an_hour(agent: Agent) -> str:
    return (agent.office.clock() + timedelta(hours=1)).isoformat()
