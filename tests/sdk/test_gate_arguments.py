"""A gated function runs with exactly the approved arguments: those of the call, or as a reviewer edited them."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import BaseModel, Field

from countersign import MisfitError
from rules.people.directory import Actor, ActorKind
from rules.state.commands import ApproveWithEdits
from tests.bot.service import Response
from tests.bot.slack.office import SENTA, SUSI, Office
from tests.rules.world import ask
from tests.sdk.agents import Agent
from tests.sdk.records import Records


async def test_the_function_runs_with_the_edited_arguments(agent: Agent, records: Records) -> None:
    calling = asyncio.ensure_future(agent.gate(records.read)("42"))
    card = await agent.card(await agent.wait_for_package())
    await agent.office.edit(SENTA, card, '{"record": "43", "copies": 2}')
    await agent.office.approve(SUSI, await agent.card(await agent.wait_for_package()))
    assert await calling == "record 43"
    assert records.calls == [("43", 2)]


async def edit_without_a_form(office: Office, proposal: Response, parameters: dict[str, Any]) -> None:
    """An edit that the form would not make: it keeps the names and types of the parameters."""
    assert office.running.service.store is not None
    command = ask(ApproveWithEdits, await office.state(proposal), action_parameters=parameters)
    outcome = await office.running.service.store.execute(command, Actor(kind=ActorKind.PERSON, actor_id=SENTA))
    assert outcome.refusal is None, outcome


@pytest.mark.parametrize(
    ("edited", "wrong"),
    [
        ('{"record": 43, "copies": 1}', "record"),
        ('{"record": "43", "copies": true}', "copies"),
        ('{"record": "43", "copies": 1, "more": 1}', "action_parameters"),
        ('{"copies": 1}', "action_parameters"),
    ],
    ids=["wrong type", "a boolean for a number", "one too many", "one missing"],
)
async def test_an_edit_that_does_not_fit_the_function_uses_no_permission(
    agent: Agent, records: Records, edited: str, wrong: str
) -> None:
    calling = asyncio.ensure_future(agent.gate(records.read)("42"))
    await edit_without_a_form(agent.office, await agent.wait_for_package(), json.loads(edited))
    await agent.office.approve(SUSI, await agent.card(await agent.wait_for_package()))
    with pytest.raises(MisfitError) as misfit:
        await calling
    assert misfit.value.parameter == wrong
    assert records.calls == []
    assert (await agent.wait_for_package("approved")).body["execution"]["state"] == "none"


async def test_arguments_changed_while_people_decide_are_ignored(agent: Agent) -> None:
    calls: list[list[str]] = []

    def delete(records: list[str]) -> None:
        calls.append(records)

    records = ["42"]
    calling = asyncio.ensure_future(agent.gate(delete)(records))
    await agent.wait_for_package()
    records.append("43")
    await agent.approve_newest()
    await calling
    assert calls == [["42"]]


async def test_each_field_can_be_computed_from_the_arguments(agent: Agent, records: Records) -> None:
    fields = {
        "title": lambda record: f"Read record {record}",
        "confidence": lambda copies: 0.9 if copies > 1 else 0.95,
        "evidence_refs": lambda record: [f"request for {record}"],
        "reversibility": "reversible",
    }
    calling = asyncio.ensure_future(agent.gate(records.read, **fields)("42", copies=2))
    card = await agent.card(await agent.wait_for_package())
    assert "Read record 42" in card.shown
    await agent.office.approve(SENTA, card)
    assert await calling == "record 42"


async def test_arguments_of_any_length_and_content_can_be_approved(agent: Agent) -> None:
    def write(text: str) -> int:
        """Write it down.

        Line by line.
        """
        return len(text)

    text = "\x1b[31m\u202e\n<!channel>" + "x" * 9000
    shown = text.replace("\x1b", "")  # control characters in parameters are refused
    calling = asyncio.ensure_future(agent.gate(write)(shown))
    card = await agent.card(await agent.wait_for_package())
    assert "Write it down." in card.shown
    await agent.office.approve(SENTA, card)
    assert await calling == len(shown)


async def test_context_arguments_are_passed_on_and_not_shown(agent: Agent) -> None:
    def read(connection: object, record: str) -> object:
        return connection, record

    database = object()
    calling = asyncio.ensure_future(agent.gate(read, context=["connection"])(database, "42"))
    await agent.approve_newest()
    assert await calling == (database, "42")
    decision = (await agent.wait_for_package("approved")).body["decision"]
    assert decision["action_parameters"] == {"record": "42"}


async def test_arguments_come_back_with_their_types(agent: Agent) -> None:
    def book(at: datetime, seats: list[tuple[int, str]]) -> tuple[Any, ...]:
        return at, seats

    at = datetime(2026, 12, 24, 18, tzinfo=UTC)
    calling = asyncio.ensure_future(agent.gate(book)(at, [(1, "a")]))
    await agent.approve_newest()
    assert await calling == (at, [(1, "a")])


class Letter(BaseModel):
    sender: str = Field(alias="from")
    to: str
    body: str = ""


async def test_a_model_with_aliases_comes_back_as_it_was_approved(agent: Agent) -> None:
    letter = Letter.model_validate({"from": "Ada", "to": "Bob", "body": "Hi."})
    calling = asyncio.ensure_future(agent.gate(return_letter)(letter))
    await agent.approve_newest()
    assert await calling == letter


async def test_a_model_with_aliases_comes_back_as_it_was_edited(agent: Agent) -> None:
    calling = asyncio.ensure_future(agent.gate(return_letter)(Letter.model_validate({"from": "Ada", "to": "Bob"})))
    card = await agent.card(await agent.wait_for_package())
    await agent.office.edit(SENTA, card, '{"letter": {"sender": "Ada", "to": "Eve", "body": ""}}')
    await agent.approve_newest(by=SUSI)
    assert await calling == Letter.model_validate({"from": "Ada", "to": "Eve"})


def return_letter(letter: Letter) -> Letter:
    return letter
