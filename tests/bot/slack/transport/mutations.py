"""Slack's payloads with one thing wrong each: a part missing, or of another type."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any, NamedTuple
from urllib.parse import urlencode

from playground.client.delivery import FORM
from tests.bot.slack.office import CHANNEL, GROUP, HARD, RITA, SENTA, Office
from tests.bot.slack.signed_requests import JSON

MISSING = object()
ODD: list[Any] = [MISSING, None, 7, -1e300, "\x1b[31m\x00\u202e", [], {}, [None], {"id": []}]
EVENTS: list[dict[str, Any]] = [
    {"type": "app_home_opened", "user": SENTA, "tab": "home"},
    {"type": "user_change", "user": {"id": RITA, "team_id": "T1", "profile": {"email": "rita@example.org"}}},
    {"type": "subteam_updated", "subteam": {"id": GROUP, "users": [SENTA], "date_delete": 0}},
    {"type": "subteam_members_changed", "subteam_id": GROUP, "added_users": [SENTA], "removed_users": []},
    {"type": "channel_id_changed", "old_channel_id": "C0OLD", "new_channel_id": "C0NEW"},
    {"type": "channel_archive", "channel": "C0OTHER"},
    {"type": "member_left_channel", "channel": CHANNEL, "user": RITA},
    {"type": "tokens_revoked", "tokens": {"oauth": [RITA]}},
    {"type": "countersign.probe", "nonce": "x"},
]


class SlackRequest(NamedTuple):
    """A payload, and how it is sent."""

    payload: Any
    kind: str = "interactive"

    @property
    def content_type(self) -> str:
        return JSON if self.kind == "event" else FORM

    @property
    def encoded(self) -> bytes:
        match self.kind:
            case "event":
                return json.dumps(self.payload).encode()
            case "command" if isinstance(self.payload, Mapping):
                return urlencode({name: _flat(value) for name, value in self.payload.items()}).encode()
            case _:
                return urlencode({"payload": json.dumps(self.payload)}).encode()


def _flat(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


async def sample_requests(office: Office) -> list[SlackRequest]:
    """One payload of each kind, as the stand-in really sends it, and some with fields that we do not use."""
    slack = office.slack
    _, card = await office.submit_with_card(HARD)
    details = await office.click(SENTA, card, "details")
    await slack.close(SENTA)
    form = await office.click(SENTA, card, "reject")
    rejected = await slack.submit(SENTA, {"comment": " "})
    await slack.close(SENTA)
    await slack.open_home(SENTA)
    await slack.until(lambda: slack.home(SENTA))
    leaving = await slack.click_home(SENTA, "home_away")
    away = await slack.submit(SENTA, {"until": 1, "delegate": RITA})
    command = await slack.command(SENTA, "/reviews", "queue")
    menu = await office.click(SENTA, card, "more", option="Defer")
    real = [outcome.payload for outcome in (details, form, rejected, leaving, away, menu)]
    head = {name: details.payload[name] for name in ("user", "team", "api_app_id", "trigger_id", "response_url")}
    return [
        *(SlackRequest(payload) for payload in real),
        *(SlackRequest(head | more) for more in _of_other_apps(details.payload)),
        SlackRequest(command.payload, "command"),
        *(SlackRequest(_event(event), "event") for event in EVENTS),
    ]


def _of_other_apps(click: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    named = {"callback_id": "decision", "action_ts": "1.2", "channel": {"id": CHANNEL}, "state": "x"}
    yield {"type": "dialog_submission", "submission": {"comment": "x"}, **named}
    yield {"type": "dialog_cancellation", **named}
    yield {"type": "dialog_suggestion", "name": "x", "value": "y", **named}
    yield {"type": "interactive_message", "actions": [{"name": "approve", "type": "button", "value": "x"}], **named}
    yield {"type": "message_action", "message": {"ts": "1.2"}, **named}
    yield {"type": "shortcut", "callback_id": "x"}
    yield {"type": "workflow_step_edit", "callback_id": "x", "workflow_step": {}}
    yield {"type": "view_closed", "view": {"callback_id": "decision"}}
    yield {
        "type": "block_suggestion",
        "action_id": "approve",
        "block_id": "x",
        "value": "y",
        "actions": click["actions"],
    }


def _event(event: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "event_callback", "team_id": "T1", "api_app_id": "A1", "event_id": "Ev1", "event_time": 1,
        "authorizations": [{"team_id": "T1", "enterprise_id": None, "user_id": "U1", "is_bot": True}], "event": event,
    }  # fmt: skip


def mutate(letter: SlackRequest) -> Iterator[SlackRequest]:
    for path in _paths(letter.payload):
        for odd in ODD:
            payload = deepcopy(letter.payload)
            *way, last = path
            at = payload
            for step in way:
                at = at[step]
            if odd is MISSING:
                del at[last]
            else:
                at[last] = odd
            yield letter._replace(payload=payload)


def _paths(value: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every path in the payload, except inside the clicked message's blocks, which are not read."""
    steps = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
    for step, inner in steps:
        yield (*above, step)
        if step not in ("message", "elements", "text"):
            yield from _paths(inner, (*above, step))
