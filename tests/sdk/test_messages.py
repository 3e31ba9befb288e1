"""Messages in the SDK: read, sent, and handed to the agent while it waits."""

from __future__ import annotations

import asyncio
from typing import Any

from countersign import Client, Message, gate
from countersign.testing import ScriptedReviewer, approve, write
from rules.state.commands import Verb
from tests.sdk.agents import Agent
from tests.sdk.records import Records


async def test_a_handle_sends_messages_and_reads_all_of_them(agent: Agent) -> None:
    handle = await agent.request()
    await handle.say("It is order 456.")
    await agent.office.give("USENTA", await agent.card(handle), Verb.COMMENT, {"comment": "Thank you."})
    first, second = await handle.messages()
    assert (first["by"], first["text"]) == ("agent", "It is order 456.")
    assert (second["by"], second["text"]) == ({"reviewer_id": "USENTA", "name": "Senta"}, "Thank you.")


async def test_a_message_of_the_agent_updates_its_document(agent: Agent) -> None:
    handle = await agent.request()
    await handle.say("It is order 456.")
    assert [message["text"] for message in handle.document["messages"]] == ["It is order 456."]


async def test_the_agent_gets_each_message_once_while_it_waits_and_its_answer_is_sent(agent: Agent) -> None:
    got: list[str | None] = []
    heard = asyncio.Event()
    loop = asyncio.get_running_loop()

    def on_message(message: Message) -> str:
        got.append(message["text"])
        loop.call_soon_threadsafe(heard.set)
        return "Order 456."

    handle = await agent.request()
    waiting = asyncio.ensure_future(handle.wait(on_message=on_message))
    card = await agent.card(handle)
    await agent.office.give("USENTA", card, Verb.COMMENT, {"comment": "Which order is it?"})
    await asyncio.wait_for(heard.wait(), 30)
    await agent.office.approve("USENTA", await agent.card(handle))
    assert (await waiting).permits
    question, answer = await handle.messages()
    assert got == ["Which order is it?"]
    assert (answer["text"], answer["in_reply_to"]) == ("Order 456.", question["message_id"])


async def test_a_restarted_agent_hears_a_message_again_and_answers_it_once(agent: Agent) -> None:
    handle = await agent.request()
    await agent.office.give("USENTA", await agent.card(handle), Verb.COMMENT, {"comment": "Which order is it?"})
    await agent.office.approve("USENTA", await agent.card(handle))
    for answer in ("Order 456.", "The order is 456."):
        again = await agent.client.handle(handle.decision_package_id)
        await again.wait(on_message=lambda _, text=answer: text)
    assert [message["text"] for message in await handle.messages()] == ["Which order is it?", "Order 456."]


async def test_a_gate_hands_on_messages_with_the_arguments_that_the_callback_names(
    agent: Agent, records: Records
) -> None:
    got: list[tuple[str | None, Any]] = []

    def on_message(message: Message, record: str) -> None:
        got.append((message["text"], record))

    calling = asyncio.ensure_future(agent.gate(records.read, on_message=on_message)("42"))
    await agent.give_newest(Verb.COMMENT, comment="Which one?")
    await agent.approve_newest()
    assert await calling == "record 42"
    assert got == [("Which one?", "42")]


async def test_more_messages_than_the_document_holds_are_all_heard(agent: Agent) -> None:
    handle = await agent.request()
    card = await agent.card(handle)
    for number in range(52):
        await agent.office.give("USENTA", card, Verb.COMMENT, {"comment": f"Note {number}."})
    await agent.office.approve("USENTA", await agent.card(handle))
    got: list[str | None] = []
    again = await agent.client.handle(handle.decision_package_id)
    await again.wait(on_message=lambda message: got.append(message["text"]))
    assert got == [f"Note {number}." for number in range(52)]


def test_a_scripted_reviewer_writes_and_gets_the_answers() -> None:
    @gate(risk_level="high", confidence=0.9, on_message=lambda message: f"You wrote: {message['text']}")
    def refund(order: int) -> str:
        """Refund an order."""
        return f"refunded {order}"

    with ScriptedReviewer(write("Which order?"), approve()) as reviewer:
        assert refund(456) == "refunded 456"
        with Client() as client:
            handle = client.handle(reviewer.documents[0]["decision_package_id"])
            assert [message["text"] for message in handle.messages()] == ["Which order?", "You wrote: Which order?"]
