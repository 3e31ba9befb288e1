"""Messages in the database: pages, the last of them in the document, and many of them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import Connection

from rules.reasons import Reason
from rules.state.agent_commands import Say
from rules.state.commands import Audience, Comment, Withdraw
from rules.state.model import PackageState
from rules.verbs import tasks as rates
from scheduler.cards.dossiers import dossier_of
from store.audit.retention import empty_content
from store.commands.execute import execute
from store.commands.invocation import Invocation
from store.packages import messages
from store.packages.documents import MessageDocuments, message_documents
from tests.rules.world import DAY, HARD, MINUTE, SENTA, ask
from tests.store.world import World, reviewer

MANY = 10_000


async def say(world: World, state: PackageState, text: str, **fields: Any) -> PackageState:
    reply = await world.execute_for_agent(ask(Say, state, text=text, **fields))
    assert reply.refusal is None, reply.refusal.sentence
    return await world.state(state.decision_package_id)


async def write(world: World, state: PackageState, text: str) -> PackageState:
    return await world.after(ask(Comment, state, comment=text, audience=Audience.AGENT), SENTA)


async def page(world: World, state: PackageState, limit: int = 3, after: int | None = None) -> MessageDocuments:
    own = (world.store.installation, state.decision_package_id, state.agent_id)
    documents = await world.read(lambda connection: message_documents(connection, *own, limit=limit, after=after))
    assert documents is not None
    return documents


async def document(world: World, state: PackageState) -> dict[str, Any]:
    read = await world.store.load_document(state.decision_package_id, state.agent_id)
    assert read is not None
    return read.document


async def test_messages_are_listed_oldest_first_in_pages(world: World) -> None:
    state = await world.submit(HARD)
    for number in range(4):
        state = await write(world, state, f"Question {number}.")
        world.clock.passes(MINUTE)
    first = await page(world, state)
    rest = await page(world, state, after=first.following)
    texts = [message["text"] for message in (*first.messages, *rest.messages)]
    assert texts == [f"Question {number}." for number in range(4)]
    assert (len(first.messages), rest.following) == (3, None)


async def test_a_message_says_who_wrote_it_about_which_version_and_what_it_answers(world: World) -> None:
    state = await write(world, await world.submit(HARD), "Which order?")
    [question] = (await document(world, state))["messages"]
    state = await say(world, state, "Order 456.", in_reply_to=question["message_id"])
    [_, answer] = (await document(world, state))["messages"]
    assert question["by"] == {"reviewer_id": SENTA, "name": "senta"}
    assert (question["text"], question["version"], question["in_reply_to"]) == ("Which order?", 1, None)
    assert (answer["by"], answer["text"]) == ("agent", "Order 456.")
    assert answer["in_reply_to"] == question["message_id"]


async def test_a_comment_for_reviewers_only_is_no_message(world: World) -> None:
    state = await world.submit(HARD)
    commented = await world.after(ask(Comment, state, comment="Between us."), SENTA)
    assert (await document(world, commented))["messages"] == []
    assert (await page(world, commented)).messages == []


async def test_a_reply_to_a_comment_for_reviewers_only_is_refused(world: World) -> None:
    state = await world.submit(HARD)
    commented = await world.after(ask(Comment, state, comment="Between us."), SENTA)
    events = await world.store.load_events(state.decision_package_id, state.agent_id)
    assert events
    reply = await world.execute_for_agent(ask(Say, commented, in_reply_to=events[-1]["event_id"]))
    assert reply.refusal
    assert reply.refusal.reason is Reason.UNKNOWN_MESSAGE


async def test_a_reply_to_a_message_about_another_package_is_refused(world: World) -> None:
    one, other = await world.submit(HARD), await world.submit(HARD)
    await write(world, other, "Which order?")
    [foreign] = (await document(world, other))["messages"]
    reply = await world.execute_for_agent(ask(Say, one, in_reply_to=foreign["message_id"]))
    assert reply.refusal
    assert reply.refusal.reason is Reason.UNKNOWN_MESSAGE


async def test_the_rate_counts_messages_of_the_last_minute_about_this_package(world: World) -> None:
    state, other = await world.submit(HARD), await world.submit(HARD)
    for number in range(rates.MAX_ABOUT_ONE):
        state = await say(world, state, f"Note {number}.")
    limited = await world.execute_for_agent(ask(Say, state))
    assert limited.refusal
    assert (limited.refusal.reason, limited.refusal.facts["after"]) == (Reason.RATE_LIMITED, "60")
    await say(world, other, "About something else.")
    world.clock.passes(MINUTE)
    await say(world, state, "A minute later.")


async def test_two_messages_at_once_are_both_sent(world: World) -> None:
    state = await world.submit(HARD)
    answers = await asyncio.gather(
        world.execute_for_agent(ask(Say, state, text="One.")), world.do(ask(Comment, state, audience="agent"), SENTA)
    )
    assert [answer.refusal for answer in answers] == [None, None]
    assert (await world.state(state.decision_package_id)).message_count == 2


async def test_retention_empties_the_texts_of_messages(world: World) -> None:
    state = await say(world, await write(world, await world.submit(HARD), "Which order?"), "Order 456.")
    ended = await world.after(ask(Withdraw, state), world.agent.actor)
    before = world.clock.now + DAY
    await world.write(lambda connection: empty_content(connection, world.tenant_id, before, 10))
    kept = (await document(world, ended))["messages"]
    assert [(message["text"], message["version"]) for message in kept] == [(None, 1), (None, 1)]


def write_many(world: World, connection: Connection, state: PackageState, count: int) -> None:
    """So many messages in one transaction."""
    for number in range(count):
        command = ask(Comment, state, comment=f"Message {number}.", audience=Audience.AGENT)
        given = Invocation(command=command, now=world.clock.now, actor=reviewer(SENTA))
        assert execute(connection, world.store.installation, given).refusal is None


@pytest.mark.slow
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_ten_thousand_messages_leave_the_state_the_document_and_the_history_small(world: World) -> None:
    state = await world.submit(HARD)
    size = len(state.model_dump_json())
    await world.write(lambda connection: write_many(world, connection, state, MANY))
    state = await world.state(state.decision_package_id)
    shown = await document(world, state)
    dossier = await world.read(
        lambda connection: dossier_of(
            connection, world.store.installation, state.decision_package_id, world.clock.now, None
        )
    )
    assert state.message_count == MANY
    assert len(state.model_dump_json()) < size + 20
    assert len(shown["messages"]) == messages.SHOWN
    assert dossier
    assert len(dossier.history) == messages.SHOWN + 1
    last = await page(world, state, limit=100, after=state.revision - 30)
    assert (len(last.messages), last.following) == (30, None)
