"""`/v1/packages/{id}/messages`: what an agent writes to reviewers, and what they write to it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from rules.state.commands import Approve, Audience, Comment, Reject
from tests.bot.service import HARD, AgentApi, Response
from tests.rules.world import SENTA

MAX_LENGTH = 3000


async def say(api: AgentApi, response: Response, text: str = "Order 456.", **options: Any) -> Response:
    fields = {name: options.pop(name) for name in ("in_reply_to",) if name in options}
    return await api.post(f"/v1/packages/{response.id}/messages", {"text": text, **fields}, **options)


async def messages(api: AgentApi, response: Response, query: str = "") -> Response:
    return await api.get(f"/v1/packages/{response.id}/messages{query}")


async def write(api: AgentApi, response: Response, text: str, audience: Audience = Audience.AGENT) -> None:
    await api.decide(Comment, response, by=SENTA, comment=text, audience=audience)


async def test_a_message_is_a_201_and_the_last_of_the_document(api: AgentApi) -> None:
    response = await api.submit(HARD)
    sent = await say(api, response)
    [message] = sent.body["messages"]
    assert (sent.status, sent.headers["ETag"], sent.body["status"]) == (201, '"2"', "pending")
    assert (message["by"], message["text"], message["version"]) == ("agent", "Order 456.", 1)


async def test_the_same_key_sends_a_message_once(api: AgentApi) -> None:
    response = await api.submit(HARD)
    await say(api, response, headers={"Idempotency-Key": "once"})
    again = await say(api, response, headers={"Idempotency-Key": "once"})
    other = await say(api, response, "Another.", headers={"Idempotency-Key": "once"})
    assert (again.status, again.headers["Idempotent-Replayed"], len(again.body["messages"])) == (200, "true", 1)
    assert other.problem == (422, "idempotency-conflict")


async def test_a_reply_names_the_message_of_a_person(api: AgentApi) -> None:
    response = await api.submit(HARD)
    await write(api, response, "Which order?")
    [question] = (await api.read(response)).body["messages"]
    sent = await say(api, response, in_reply_to=question["message_id"])
    assert sent.body["messages"][-1]["in_reply_to"] == question["message_id"]


async def test_a_reply_to_an_unknown_message_is_refused(api: AgentApi) -> None:
    refused = await say(api, await api.submit(HARD), in_reply_to="evt_1")
    assert (refused.problem, refused.wrong) == ((422, "unknown-message"), ["in_reply_to"])


@pytest.mark.parametrize("text", ["", "  ", "x" * (MAX_LENGTH + 1), "a\u0000b", 7, None], ids=repr)
async def test_a_message_without_a_readable_text_is_refused(api: AgentApi, text: Any) -> None:
    refused = await say(api, await api.submit(HARD), text)
    assert (refused.problem, refused.wrong) == ((422, "invalid"), ["text"])


async def test_the_longest_message_is_sent(api: AgentApi) -> None:
    assert (await say(api, await api.submit(HARD), "x" * MAX_LENGTH)).status == 201


async def test_an_eleventh_message_within_a_minute_is_told_when_to_come_back(api: AgentApi) -> None:
    response = await api.submit(HARD)
    for number in range(10):
        assert (await say(api, response, f"Note {number}.")).status == 201
    limited = await say(api, response)
    assert (limited.problem, limited.headers["Retry-After"]) == ((429, "rate-limited"), "60")


async def test_another_agents_package_takes_no_message_and_shows_none(api: AgentApi) -> None:
    response = await api.submit(HARD)
    other = await api.hire("Second")
    path = f"/v1/packages/{response.id}/messages"
    assert (await api.call("POST", path, other, json={"text": "Mine."})).problem == (404, "not-found")
    assert (await api.call("GET", path, other)).problem == (404, "not-found")


@pytest.mark.parametrize(("kind", "status"), [(Approve, "approved"), (Reject, "rejected")])
async def test_a_message_to_a_decided_package_is_sent_and_decides_nothing(
    api: AgentApi, kind: type[Approve], status: str
) -> None:
    response = await api.submit(HARD)
    await api.decide(kind, response, by=SENTA)
    before = (await api.read(response)).body
    sent = await say(api, response)
    assert (sent.status, sent.body["status"], sent.body["decision"]) == (201, status, before["decision"])
    assert sent.body["may_proceed"] is before["may_proceed"]


async def test_a_paused_agent_cannot_send_a_message(api: AgentApi) -> None:
    response = await api.submit(HARD)
    await api.pause()
    assert (await say(api, response)).problem == (409, "agent-paused")


async def test_messages_are_read_in_pages(api: AgentApi) -> None:
    response = await api.submit(HARD)
    for number in range(3):
        await say(api, response, f"Note {number}.")
    first = await messages(api, response, "?limit=2")
    rest = await messages(api, response, f"?limit=2&cursor={first.body['next_cursor']}")
    assert [message["text"] for message in first.body["messages"]] == ["Note 0.", "Note 1."]
    assert [message["text"] for message in rest.body["messages"]] == ["Note 2."]
    assert rest.body["next_cursor"] is None


async def test_a_cursor_is_a_number(api: AgentApi) -> None:
    refused = await messages(api, await api.submit(HARD), "?cursor=last")
    assert (refused.problem, refused.wrong) == ((422, "invalid"), ["query.cursor"])


async def test_a_comment_for_reviewers_only_does_not_reach_the_agent(api: AgentApi) -> None:
    response = await api.submit(HARD)
    await write(api, response, "Between us.", Audience.REVIEWERS)
    document = await api.read(response)
    assert document.body["messages"] == []
    assert "Between us." not in document.text + (await messages(api, response)).text


async def test_a_message_releases_who_waits(api: AgentApi) -> None:
    response = await api.submit(HARD)
    path = f"/v1/packages/{response.id}?wait=20"
    waiting = asyncio.ensure_future(api.get(path, headers={"If-None-Match": '"1"'}))
    await write(api, response, "Which order?")
    document = await waiting
    assert (document.status, [message["text"] for message in document.body["messages"]]) == (200, ["Which order?"])
