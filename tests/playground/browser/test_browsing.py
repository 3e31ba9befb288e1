"""The page's server without a browser: what each person is sent, what is refused, and how streams end."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from playground.api.posting import Content, Place, post
from playground.browser.browsing import FILES, Browsing
from playground.browser.condition import SLOW
from playground.server import application
from playground.slack import Slack
from tests.playground.app import field, modal
from tests.playground.manual_clock import ManualClock

NOBODYS = "http://127.0.0.1:9/slack/events"


class Following:
    """One browser's event stream."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self._answer = answer

    async def next(self) -> tuple[str, Any]:
        kind = ""
        async with asyncio.timeout(5):
            async for line in self._answer.content:
                text = line.decode().rstrip("\n")
                if text.startswith("event: "):
                    kind = text.removeprefix("event: ")
                if text.startswith("data: "):
                    return kind, json.loads(text.removeprefix("data: "))
        return "end", None


@asynccontextmanager
async def following(slack: Slack, session: aiohttp.ClientSession, user: str) -> AsyncIterator[Following]:
    async with session.get(f"{slack.page_url}/stream", params={"as": user}) as answer:
        assert (answer.status, answer.content_type) == (200, "text/event-stream")
        yield Following(answer)


async def act(
    slack: Slack, session: aiohttp.ClientSession, name: str, asked: Mapping[str, Any], **options: Any
) -> tuple[int, dict[str, Any]]:
    async with session.post(f"{slack.page_url}/act/{name}", json=asked, **options) as answer:
        return answer.status, await answer.json()


async def test_each_stream_begins_with_everything_that_its_person_sees(
    slack: Slack, session: aiohttp.ClientSession
) -> None:
    slack.say("UANN", "C1", "Said before.")
    slack.say("UANN", "CEXT", "Not for Ben.")
    async with following(slack, session, "UBEN") as ben:
        kind, picture = await ben.next()
    assert kind == "whole"
    assert [message["text"] for message in picture["messages"]] == ["Said before."]
    assert picture["scene"]["me"] == "UBEN"
    assert [channel["id"] for channel in picture["scene"]["channels"]] == ["C1", "DUBEN"]


async def test_changes_are_sent_as_current_state_and_only_to_people_concerned(
    slack: Slack, session: aiohttp.ClientSession
) -> None:
    async with following(slack, session, "UANN") as ann, following(slack, session, "UBEN") as ben:
        await ann.next()
        await ben.next()
        channel = slack.workspace.channels["C1"]
        note = post(slack.workspace, Place(channel=channel, seen_by="UANN"), Content(text="For Ann alone."))
        message = slack.say("UBEN", "C1", "For all.")
        kind, data = await ann.next()
        assert (kind, data["ts"], data["message"]["text"]) == ("message", note.ts, "For Ann alone.")
        assert data["message"]["private"]
        assert (await ann.next())[1]["message"]["text"] == "For all."
        # Ben learns that a message exists that he may not see, and nothing else about it.
        assert await ben.next() == ("message", {"channel": "C1", "ts": note.ts, "message": None})
        assert (await ben.next())[1]["ts"] == message.ts


async def test_a_private_note_is_dismissed_by_its_reader_alone(slack: Slack, session: aiohttp.ClientSession) -> None:
    channel = slack.workspace.channels["C1"]
    note = post(slack.workspace, Place(channel=channel, seen_by="UANN"), Content(text="For Ann alone."))
    message = slack.say("UANN", "C1", "For all.")
    where = {"channel": "C1", "ts": note.ts}
    assert (await act(slack, session, "dismiss", {"as": "UBEN", **where}))[0] == 409
    assert (await act(slack, session, "dismiss", {"as": "UANN", "channel": "C1", "ts": message.ts}))[0] == 409
    assert slack.private_notes("UANN") == [note]
    assert (await act(slack, session, "dismiss", {"as": "UANN", **where}))[0] == 200
    assert slack.private_notes("UANN") == []


async def test_a_form_is_filled_in_by_block_names_and_only_by_the_person_who_has_it_open(
    slack: Slack, session: aiohttp.ClientSession
) -> None:
    slack.app_at(NOBODYS)
    view = slack.workspace.views.open("UANN", "T1", modal(field("why"), field("how", optional=True)), None)
    typed = {"why": {"why_field": "Because."}}
    asked = {"view": view.id, "typed": typed}
    status, answer = await act(slack, session, "submit", {"as": "UBEN", **asked})
    assert (status, answer["why"]) == (409, "This form is not open any more.")
    status, answer = await act(slack, session, "submit", {"as": "UANN", **asked})
    assert (status, answer["error"]) == (200, "dispatch_failed")
    assert slack.modal("UANN") is not None
    assert slack.workspace.views.stack("UANN")[0].values["why"]["why_field"]["value"] == "Because."
    status, answer = await act(slack, session, "submit", {"as": "UANN", "view": view.id, "typed": {"no": {"no": "x"}}})
    assert status == 409


@pytest.mark.parametrize(
    ("name", "asked", "status"),
    [
        ("click", {"as": "UANN", "channel": "C1", "ts": "1.0", "block_id": "row", "action_id": "go"}, 409),
        ("click", {"as": "UANN", "channel": 1}, 400),
        ("click", {"as": "UANN", "channel": "C1", "ts": "1.0", "block_id": "row", "action_id": "go", "more": 1}, 400),
        ("say", {"as": "UANN", "channel": "CNONE", "text": "Hello."}, 409),
        ("say", {"as": "UBEN", "channel": "CEXT", "text": "Hello."}, 409),
        ("say", {"as": "UANN", "channel": "C1", "text": "Hello.", "thread_ts": "1.0"}, 409),
        ("say", {"as": "UANN", "channel": "C1", "text": ""}, 400),
        ("say", {"as": "UBOT", "channel": "C1", "text": "Hello."}, 409),
        ("say", {"as": ["UANN"], "channel": "C1", "text": "Hello."}, 400),
        ("say", {"channel": "C1", "text": "Hello."}, 400),
        ("say", ["UANN", "C1"], 400),
        ("command", {"as": "UANN", "channel": "C1", "text": "no command"}, 400),
        ("condition", {"as": "UANN", "condition": "fair"}, 400),
        ("fly", {"as": "UANN"}, 409),
    ],
)
async def test_an_impossible_act_is_refused_with_a_reason_and_does_nothing(
    slack: Slack, session: aiohttp.ClientSession, name: str, asked: Any, status: int
) -> None:
    answered, answer = await act(slack, session, name, asked)
    assert (answered, answer["ok"]) == (status, False)
    assert answer["why"]
    assert slack.messages("C1") == []


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("datepicker", 5),
        ("datepicker", "soon"),
        ("timepicker", []),
        ("multi_users_select", 5),
        ("plain_text_input", "a\nb"),
    ],
)
async def test_an_invalid_input_value_is_refused(
    slack: Slack, session: aiohttp.ClientSession, kind: str, value: Any
) -> None:
    view = slack.workspace.views.open("UANN", "T1", modal(field("one", kind)), None)
    asked = {"as": "UANN", "view": view.id, "typed": {"one": {"one_field": value}}}
    status, answer = await act(slack, session, "submit", asked)
    assert (status, answer["error"]) == (409, "not_possible")


async def test_values_that_are_not_json_are_refused(slack: Slack, session: aiohttp.ClientSession) -> None:
    json_type, plain = "application/json", "text/plain"
    for body, kind, status in ((b"{", json_type, 400), (b"\xff", json_type, 400), (b'{"as":"UANN"}', plain, 409)):
        headers = {"Content-Type": kind}
        async with session.post(f"{slack.page_url}/act/home", data=body, headers=headers) as answer:
            assert (answer.status, (await answer.json())["ok"]) == (status, False)


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "rebound.example"},
        {"Host": "10.0.0.1"},
        {"Host": "[::1"},
        {"Origin": "https://elsewhere.example"},
        {"Origin": "null"},
    ],
    ids=["another name", "another machine", "no name", "another site", "no site"],
)
async def test_only_the_page_of_this_machine_is_served(
    slack: Slack, session: aiohttp.ClientSession, headers: dict[str, str]
) -> None:
    asked = {"as": "UANN", "channel": "C1", "text": "Hello."}
    for method, path in (("GET", ""), ("GET", "/stream"), ("GET", "/page/main.js"), ("POST", "/act/say")):
        async with session.request(method, f"{slack.page_url}{path}", json=asked, headers=headers) as answer:
            assert answer.status == 403
    assert slack.messages("C1") == []


async def test_the_page_and_its_files_have_a_strict_content_security_policy(
    slack: Slack, session: aiohttp.ClientSession
) -> None:
    for path in ("", *(f"/page/{name}" for name in sorted(FILES))):
        async with session.get(f"{slack.page_url}{path}") as answer:
            assert answer.status == 200
            assert answer.headers["Content-Security-Policy"].startswith("default-src 'self'; ")
            assert "http:" not in (await answer.text()).replace("http://www.w3.org/2000/svg", "").replace('"http:"', "")
    for path in ("/page/none.js", "/page/..%2Fslack.py", "/page/../slack.py"):
        async with session.get(f"{slack.page_url}{path}") as answer:
            assert answer.status == 404


async def test_while_slack_is_down_only_the_control_that_restores_it_works(
    slack: Slack, session: aiohttp.ClientSession
) -> None:
    async with following(slack, session, "UANN") as ann:
        await ann.next()
        assert (await act(slack, session, "condition", {"as": "UANN", "condition": "down"}))[0] == 200
        assert await ann.next() == ("condition", {"kind": "down"})
        say = {"as": "UANN", "channel": "C1", "text": "Hello."}
        assert (await act(slack, session, "say", say))[0] == 409
        view = slack.workspace.views.open("UANN", "T1", modal(field("why"), notify_on_close=True), None)
        assert (await act(slack, session, "close", {"as": "UANN", "view": view.id}))[0] == 200
        assert slack.modal("UANN") is None
        with pytest.raises(aiohttp.ClientError):
            await session.post(f"{slack.api_url}auth.test")
        assert (await act(slack, session, "condition", {"as": "UANN", "condition": "well"}))[0] == 200
    assert (await act(slack, session, "say", say))[0] == 200


async def test_the_rate_limit_of_the_page_ends_by_itself(
    slack: Slack, session: aiohttp.ClientSession, clock: ManualClock
) -> None:
    await act(slack, session, "condition", {"as": "UANN", "condition": "limited"})
    async with session.post(f"{slack.api_url}auth.test") as answer:
        assert (answer.status, answer.headers["Retry-After"]) == (429, "30")
    clock.advance(30)
    async with session.post(f"{slack.api_url}auth.test") as answer:
        assert answer.status == 200
    async with following(slack, session, "UANN") as ann:
        assert (await ann.next())[1]["condition"] == {"kind": "well"}


async def test_a_slow_slack_answers_late_until_it_recovers(slack: Slack, session: aiohttp.ClientSession) -> None:
    await act(slack, session, "condition", {"as": "UANN", "condition": "slow"})
    assert [(fault.method, fault.seconds, fault.times) for fault in slack.faults] == [(None, SLOW, None)]
    async with following(slack, session, "UANN") as ann:
        assert (await ann.next())[1]["condition"] == {"kind": "slow"}
        await act(slack, session, "condition", {"as": "UANN", "condition": "well"})
        assert await ann.next() == ("condition", {"kind": "well"})
    assert list(slack.faults) == []


async def test_an_open_stream_ends_with_the_page_and_is_not_waited_for(
    slack: Slack, session: aiohttp.ClientSession
) -> None:
    browsing = Browsing(slack, slack.sockets, slack.mailbox)
    runner = web.AppRunner(application(slack.workspace, slack.sockets, browsing))  # which would wait for a minute
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/playground/stream"
    async with session.get(url) as answer:
        await Following(answer).next()
        browsing.close()
        async with asyncio.timeout(5):
            await runner.cleanup()
            assert (await answer.content.read()).strip() == b""
