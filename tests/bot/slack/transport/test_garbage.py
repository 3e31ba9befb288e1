"""Garbage with a valid signature is answered, and does no harm."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest

from playground.client.delivery import FORM
from tests.bot.slack.office import RITA, SOFT, Office
from tests.bot.slack.signed_requests import JSON, send_signed

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

MEGABYTE = 1024 * 1024
SAID = "a-word-that-is-only-in-the-body"

EVENT = {"type": "event_callback", "team_id": "T1", "api_app_id": "A1", "event_id": "Ev1", "event_time": 1}
CLICK = {"type": "block_actions", "user": {"id": RITA}, "team": {"id": "T1"}, "trigger_id": "1.2.3"}


def interaction(payload: Any) -> str:
    return urlencode({"payload": json.dumps(payload)})


def event(content: Any) -> str:
    return json.dumps({**EVENT, "event": content})


GARBAGE = [
    pytest.param("", FORM, id="nothing"),
    pytest.param("", JSON, id="nothing, as JSON"),
    pytest.param(b"\xff\xfe payload", FORM, id="not UTF-8"),
    pytest.param(b'{"type": "\xff"}', JSON, id="JSON that is not UTF-8"),
    pytest.param("payload", FORM, id="a payload without anything"),
    pytest.param("payload=", FORM, id="an empty payload"),
    pytest.param("payload={", FORM, id="a payload that breaks off"),
    pytest.param("payload=%FF%FE", FORM, id="a payload of bytes that are no text"),
    pytest.param("{", JSON, id="JSON that breaks off"),
    pytest.param("[" * 100_000, JSON, id="JSON a hundred thousand deep"),
    pytest.param(interaction("[" * 10), FORM, id="a payload that is a text"),
    *(
        pytest.param(json.dumps(value), JSON, id=f"JSON that is {name}")
        for name, value in {"a list": [], "a list of lists": [[]], "a number": 1, "null": None, "a text": "x"}.items()
    ),
    *(
        pytest.param(interaction(value), FORM, id=f"a payload that is {name}")
        for name, value in {"a list": [1], "a number": 1, "null": None, "true": True, "empty": {}}.items()
    ),
    pytest.param(interaction({"type": "no_such_type"}), FORM, id="an unknown type"),
    pytest.param(interaction({"type": 7}), FORM, id="a type that is a number"),
    pytest.param(interaction({**CLICK, "actions": []}), FORM, id="a click on nothing"),
    pytest.param(interaction(CLICK), FORM, id="a click without actions"),
    pytest.param(interaction({**CLICK, "actions": "approve"}), FORM, id="actions that are a text"),
    pytest.param(interaction({**CLICK, "actions": [None]}), FORM, id="an action that is null"),
    pytest.param(interaction({**CLICK, "actions": [{"type": "button"}]}), FORM, id="an action without a name"),
    pytest.param(interaction({**CLICK, "user": "U1", "actions": [{"action_id": "approve", "type": "button"}]}), FORM, id="a user that is a text"),
    pytest.param(interaction({**CLICK, "user": None, "actions": [{"action_id": "approve"}]}), FORM, id="nobody's click"),
    pytest.param(interaction({"type": "view_submission", "user": {"id": RITA}}), FORM, id="a form without a view"),
    pytest.param(interaction({"type": "view_submission", "user": {"id": RITA}, "view": {}}), FORM, id="a view without anything"),
    pytest.param(interaction({"type": "view_submission", "user": {"id": RITA}, "view": {"callback_id": "decision", "private_metadata": 7}}), FORM, id="a view of wrong types"),
    pytest.param(interaction({"type": "view_closed", "user": {"id": RITA}, "view": {"callback_id": "decision"}}), FORM, id="a view that was closed"),
    pytest.param(interaction({"type": "shortcut", "callback_id": "x", "user": {"id": RITA}}), FORM, id="a shortcut"),
    pytest.param(interaction({"type": "message_action", "callback_id": "x", "user": {"id": RITA}}), FORM, id="a message shortcut"),
    pytest.param(interaction({"type": "block_suggestion", "action_id": "x", "user": {"id": RITA}}), FORM, id="options that nobody offers"),
    pytest.param("command=%2Freviews", FORM, id="a command without a user"),
    pytest.param(f"command=%2Fdeploy&user_id={RITA}&text=now&trigger_id=1", FORM, id="another command"),
    pytest.param(event(None), JSON, id="an event that is null"),
    pytest.param(event([]), JSON, id="an event that is a list"),
    pytest.param(event("x"), JSON, id="an event that is a text"),
    pytest.param(event({}), JSON, id="an event without a type"),
    pytest.param(event({"type": "no_such_event"}), JSON, id="an unknown event"),
    pytest.param(event({"type": "app_home_opened"}), JSON, id="Home opened without a user"),
    pytest.param(event({"type": "app_home_opened", "tab": "home", "user": {}}), JSON, id="Home opened by an object"),
    pytest.param(event({"type": "user_change"}), JSON, id="a person change without a person"),
    pytest.param(event({"type": "user_change", "user": "U1"}), JSON, id="a person change with a text"),
    pytest.param(event({"type": "subteam_updated", "subteam": None}), JSON, id="a group change without a group"),
    pytest.param(event({"type": "subteam_members_changed"}), JSON, id="new members without a group"),
    pytest.param(json.dumps({"type": "url_verification"}), JSON, id="a verification without its challenge"),
    pytest.param(json.dumps({"type": "event_callback"}), JSON, id="a missing event"),
    pytest.param(json.dumps({**EVENT, "authorizations": 7, "event": {"type": "x"}}), JSON, id="authorizations that are a number"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "kind"), GARBAGE)
async def test_signed_garbage_is_answered_and_does_no_harm(office: Office, body: str | bytes, kind: str) -> None:
    proposal, _ = await office.submit_with_card(SOFT)
    before = await office.state(proposal)
    answer = await send_signed(office, body, kind)
    assert answer.status in (200, 400, 404), answer
    assert await office.state(proposal) == before
    assert (await office.get("/healthz")).status == 200


async def test_unreadable_payloads_are_not_logged(office: Office, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    for body in (f"payload={{{SAID}", interaction([SAID]), interaction({"type": SAID}), f"command={SAID}"):
        await send_signed(office, body)
    assert SAID not in "".join(capsys.readouterr())
