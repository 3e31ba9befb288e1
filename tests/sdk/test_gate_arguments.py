"""What runs is exactly what was approved: a call's own arguments, or as a reviewer edited them, and no others."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import BaseModel, Field

from countersign import MisfitError
from tests.bot.slack.office import SENTA, SUSI
from tests.sdk.agents import Agent
from tests.sdk.records import Records


async def test_it_runs_with_the_arguments_as_edited(agent: Agent, records: Records) -> None:
    calling = asyncio.ensure_future(agent.gated(records.read)("42"))
    card = await agent.card(await agent.proposed())
    await agent.office.edit(SENTA, card, '{"record": "43", "copies": 2}')
    await agent.office.approve(SUSI, await agent.card(await agent.proposed()))
    assert await calling == "record 43"
    assert records.read_ones == [("43", 2)]


@pytest.mark.parametrize(
    ("edited", "wrong"),
    [
        ('{"record": 43, "copies": 1}', "record"),
        ('{"record": "43", "copies": true}', "copies"),
        ('{"record": "43", "copies": 1, "more": 1}', "action_parameters"),
        ('{"copies": 1}', "action_parameters"),
    ],
    ids=["wrong type", "a boolean is no number", "one too many", "one missing"],
)
async def test_an_edit_that_does_not_fit_the_function_takes_no_permission(
    agent: Agent, records: Records, edited: str, wrong: str
) -> None:
    calling = asyncio.ensure_future(agent.gated(records.read)("42"))
    await agent.office.edit(SENTA, await agent.card(await agent.proposed()), edited)
    await agent.office.approve(SUSI, await agent.card(await agent.proposed()))
    with pytest.raises(MisfitError) as misfit:
        await calling
    assert misfit.value.parameter == wrong
    assert records.read_ones == []
    assert (await agent.proposed("approved")).body["execution"]["state"] == "none"


async def test_what_is_changed_while_people_decide_does_not_come_through(agent: Agent) -> None:
    ran: list[list[str]] = []

    def delete(records: list[str]) -> None:
        ran.append(records)

    mine = ["42"]
    calling = asyncio.ensure_future(agent.gated(delete)(mine))
    await agent.proposed()
    mine.append("43")
    await agent.approves()
    await calling
    assert ran == [["42"]]


async def test_everything_that_is_said_may_follow_from_the_arguments(agent: Agent, records: Records) -> None:
    said = {
        "title": lambda record: f"Read record {record}",
        "confidence": lambda copies: 0.9 if copies > 1 else 0.95,
        "evidence_refs": lambda record: [f"request for {record}"],
        "reversibility": "reversible",
    }
    calling = asyncio.ensure_future(agent.gated(records.read, **said)("42", copies=2))
    card = await agent.card(await agent.proposed())
    assert "Read record 42" in card.shown
    await agent.office.approve(SENTA, card)
    assert await calling == "record 42"


async def test_arguments_of_any_length_and_kind_can_be_asked_for(agent: Agent) -> None:
    def write(text: str) -> int:
        """Write it down.

        Line by line.
        """
        return len(text)

    text = "\x1b[31m\u202e\n<!channel>" + "x" * 9000
    shown = text.replace("\x1b", "")  # no control character is a parameter that people could read
    calling = asyncio.ensure_future(agent.gated(write)(shown))
    card = await agent.card(await agent.proposed())
    assert "Write it down." in card.shown
    await agent.office.approve(SENTA, card)
    assert await calling == len(shown)


async def test_context_is_passed_on_and_not_shown(agent: Agent) -> None:
    def read(connection: object, record: str) -> object:
        return connection, record

    mine = object()
    calling = asyncio.ensure_future(agent.gated(read, context=["connection"])(mine, "42"))
    await agent.approves()
    assert await calling == (mine, "42")
    decision = (await agent.proposed("approved")).body["decision"]
    assert decision["action_parameters"] == {"record": "42"}


async def test_the_types_that_arguments_had_come_back(agent: Agent) -> None:
    def book(at: datetime, seats: list[tuple[int, str]]) -> tuple[Any, ...]:
        return at, seats

    at = datetime(2026, 12, 24, 18, tzinfo=UTC)
    calling = asyncio.ensure_future(agent.gated(book)(at, [(1, "a")]))
    await agent.approves()
    assert await calling == (at, [(1, "a")])


class Letter(BaseModel):
    sender: str = Field(alias="from")
    to: str
    body: str = ""


async def test_a_model_with_aliases_comes_back_as_approved(agent: Agent) -> None:
    letter = Letter.model_validate({"from": "Ada", "to": "Bob", "body": "Hi."})
    calling = asyncio.ensure_future(agent.gated(send)(letter))
    await agent.approves()
    assert await calling == letter


async def test_a_model_with_aliases_comes_back_as_edited(agent: Agent) -> None:
    calling = asyncio.ensure_future(agent.gated(send)(Letter.model_validate({"from": "Ada", "to": "Bob"})))
    card = await agent.card(await agent.proposed())
    await agent.office.edit(SENTA, card, '{"letter": {"sender": "Ada", "to": "Eve", "body": ""}}')
    await agent.approves(by=SUSI)
    assert await calling == Letter.model_validate({"from": "Ada", "to": "Eve"})


def send(letter: Letter) -> Letter:
    return letter
