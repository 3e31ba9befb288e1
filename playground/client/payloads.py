"""The payloads that the app receives, field for field as Slack sends them.

`Client` builds a payload for what a person does, and `Delivery` sends it. Build one only to send it: building hands out
a trigger id or a response_url, whose time then runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from playground.api import posting, views_methods
from playground.model.choices import State, state_of
from playground.model.elements import Element
from playground.model.ids import secret
from playground.model.messages import Message
from playground.model.people import Person
from playground.model.views import View
from playground.model.workspace import Workspace

Payload = dict[str, Any]
_VERIFICATION_TOKEN = "stand-in"  # noqa: S105 - Slack still sends it; apps check the signature instead
COPIED = ("text", "value", "style", "confirm", "placeholder", "url", "accessibility_label")


@dataclass(frozen=True, slots=True)
class Payloads:
    """Builds payloads for one workspace."""

    slack: Workspace

    def _head(self, kind: str, person: Person) -> Payload:
        return {
            "type": kind,
            "user": person.in_payloads(),
            "api_app_id": self.slack.app_id,
            "token": _VERIFICATION_TOKEN,
            "enterprise": None,
            "is_enterprise_install": False,
        }

    def action(self, element: Element, choice: Mapping[str, Any]) -> Payload:
        copied = {name: element.data[name] for name in COPIED if name in element.data}
        names = {"action_id": element.action_id, "block_id": element.block_id, "type": element.type}
        return {**names, **copied, **choice, "action_ts": self.slack.ids.ts()}

    def on_message(self, person: Person, message: Message, action: Payload, typed: State) -> Payload:
        """`team` is the app's workspace even if a stranger clicks; `user.team_id` is the person's."""
        slack, channel = self.slack, self.slack.channels[message.channel]
        container: Payload = {
            "type": "message",
            "message_ts": message.ts,
            "channel_id": channel.id,
            "is_ephemeral": message.seen_by is not None,
        }
        return self._head("block_actions", person) | {
            "container": container | ({"thread_ts": message.thread_ts} if message.thread_ts else {}),
            "trigger_id": slack.triggers.give(person.id),
            "team": slack.team,
            "channel": channel.in_payloads(),
            "message": posting.message_json(slack, message),
            "state": {"values": state_of(message.blocks, typed)},
            "response_url": self._response_url(person, channel.id, message.ts, message.thread_ts),
            "actions": [action],
        }

    def on_view(self, person: Person, view: View, action: Payload) -> Payload:
        return self._head("block_actions", person) | {
            "container": {"type": "view", "view_id": view.id},
            "trigger_id": self.slack.triggers.give(person.id),
            "team": self.slack.team,
            "view": self.view(view),
            "actions": [action],
        }

    def submission(self, person: Person, view: View) -> Payload:
        """Here `team` is the person's workspace; the app's is in `view.app_installed_team_id`."""
        return self._head("view_submission", person) | {
            "team": self._team_of(person),
            "trigger_id": self.slack.triggers.give(person.id),
            "view": self.view(view),
            "response_urls": [],
        }

    def view_closed(self, person: Person, view: View, *, everything: bool) -> Payload:
        shape = self.view(view)
        return self._head("view_closed", person) | {
            "team": self._team_of(person),
            "view": shape,
            "is_cleared": everything,
        }

    def suggestion(self, person: Person, view: View, element: Element, typed: str) -> Payload:
        fields = {"action_id": element.action_id, "block_id": element.block_id, "value": typed}
        return (
            self._head("block_suggestion", person)
            | fields
            | {
                "container": {"type": "view", "view_id": view.id},
                "team": self.slack.team,
                "view": self.view(view),
            }
        )

    def view(self, view: View) -> Payload:
        return views_methods.view_json(self.slack, view)

    def _team_of(self, person: Person) -> Payload:
        domain = self.slack.domain if person.team_id == self.slack.team_id else "another"
        return {"id": person.team_id, "domain": domain}

    def command(self, person: Person, name: str, text: str, channel_id: str) -> Payload:
        """All values are text: they travel in a form."""
        slack, channel = self.slack, self.slack.channels[channel_id].in_payloads()
        return {
            "token": _VERIFICATION_TOKEN,
            "team_id": slack.team_id,
            "team_domain": slack.domain,
            "channel_id": channel["id"],
            "channel_name": channel["name"],
            "user_id": person.id,
            "user_name": person.name,
            "command": name,
            "text": text,
            "api_app_id": slack.app_id,
            "is_enterprise_install": "false",
            "response_url": self._response_url(person, channel_id, None, None),
            "trigger_id": slack.triggers.give(person.id),
        }

    def _response_url(self, person: Person, channel: str, ts: str | None, thread_ts: str | None) -> str:
        key = self.slack.response_urls.give(channel=channel, user=person.id, ts=ts, thread_ts=thread_ts)
        return f"{self.slack.base_url}/playground/response/{key}"

    def event(self, event: Mapping[str, Any], event_id: str | None = None) -> Payload:
        slack = self.slack
        body = {"event_ts": slack.ids.ts(), **event}
        installation = {"enterprise_id": None, "team_id": slack.team_id, "user_id": slack.bot_user}
        return {
            "token": _VERIFICATION_TOKEN,
            "team_id": slack.team_id,
            "context_team_id": slack.team_id,
            "context_enterprise_id": None,
            "api_app_id": slack.app_id,
            "event": body,
            "type": "event_callback",
            "event_id": event_id or slack.ids.numbered_id("Ev"),
            "event_time": int(float(body["event_ts"])),
            "authorizations": [{**installation, "is_bot": True, "is_enterprise_install": False}],
            "is_ext_shared_channel": False,
            "event_context": secret(),
        }

    def verification(self) -> Payload:
        return {"token": _VERIFICATION_TOKEN, "challenge": secret(), "type": "url_verification"}
