"""`SlackActions`: what people do in their Slack, and the events that Slack sends to the app.

The last layer of the test interface, after `SlackSetup` and `SlackQueries`; `playground.slack` lists all methods. Each
act names the person, goes through `Client`, and returns an `Outcome` once the app has answered.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, TypedDict, Unpack

from playground.api.posting import Content, Place, post
from playground.client.interactions import Client, Press
from playground.client.outcomes import Outcome
from playground.client.queries import SlackQueries
from playground.model.messages import Message
from playground.model.refusals import NotPossibleError
from playground.model.views import View
from playground.model.workspace import Workspace


class PressOptions(TypedDict, total=False):
    """How an element is pressed; see `interactions.Press`."""

    option: Any
    block_id: str
    having_value: str
    confirm: bool


class SlackActions(SlackQueries):
    """The last of three layers of the test interface: `SlackSetup`, `SlackQueries`, `SlackActions`."""

    def __init__(self, workspace: Workspace, client: Client) -> None:
        super().__init__(workspace)
        self.client = client

    def app_at(self, url: str | None) -> None:
        """Where events, interactions and commands are sent. None means nowhere, as with Socket Mode only."""
        self.client.delivery.url = url

    @property
    def ack_within(self) -> float:
        """How long Slack waits for the app, in real seconds."""
        return self.client.delivery.ack_within

    @ack_within.setter
    def ack_within(self, seconds: float) -> None:
        self.client.delivery.ack_within = seconds

    async def connect(self, url: str) -> Outcome:
        """As when someone enters the request URL: the app must answer the challenge."""
        self.app_at(url)
        payload = self.client.payloads.verification()
        outcome = await self.client.event("", payload)
        challenge = outcome.body.get("challenge") if isinstance(outcome.body, Mapping) else outcome.body
        if outcome.error or challenge != payload["challenge"]:
            raise NotPossibleError(f"{url} did not answer the challenge: {outcome.error or challenge!r}")
        return outcome

    def say(self, user: str, channel: str, text: str, thread_ts: str | None = None) -> Message:
        """A person's own message. The app has no scope to hear of it."""
        self.client.person(user)
        place = Place(channel=self.workspace.channels[channel], thread_ts=thread_ts, author=user)
        return post(self.workspace, place, Content(text=text))

    def reload(self, user: str) -> None:
        """Private notes disappear when the client is reloaded."""
        self.workspace.messages.forget_notes(user)

    async def click(
        self,
        user: str,
        message: Message,
        action_id: str,
        *,
        old_copy: bool = False,
        **how: Unpack[PressOptions],
    ) -> Outcome:
        press = Press(action_id=action_id, **how)
        return await self.client.click(user, message, press, old_copy=old_copy)

    async def double_click(
        self, user: str, message: Message, action_id: str, *, old_copy: bool = False, **how: Unpack[PressOptions]
    ) -> tuple[Outcome, Outcome]:
        """Both clicks are sent before either is answered. Slack gives each its own trigger and time."""
        twice = (self.click(user, message, action_id, old_copy=old_copy, **how) for _ in range(2))
        first, second = await asyncio.gather(*twice)
        return first, second

    async def redeliver(self, outcome: Outcome, *, retry: int = 0, reason: str = "") -> Outcome:
        return await self.client.resend(outcome, retry, reason)

    async def click_modal(
        self,
        user: str,
        action_id: str,
        *,
        values: Mapping[str, Any] | None = None,
        **how: Unpack[PressOptions],
    ) -> Outcome:
        """`values` were typed into the modal before the click."""
        view = self.client.type_in(user, values or {})
        press = Press(action_id=action_id, **how)
        return await self.client.click_view(user, view, press)

    async def click_home(
        self,
        user: str,
        action_id: str,
        *,
        copy: View | None = None,
        **how: Unpack[PressOptions],
    ) -> Outcome:
        """`copy` is an older version, which a phone may still show."""
        view = copy or self.home(user)
        if view is None:
            raise NotPossibleError(f"nothing was ever published to the Home tab of {user}")
        press = Press(action_id=action_id, **how)
        return await self.client.click_view(user, view, press)

    def type_in(self, user: str, values: Mapping[str, Any]) -> View:
        return self.client.type_in(user, values)

    async def submit(self, user: str, values: Mapping[str, Any] | None = None) -> Outcome:
        return await self.client.submit(user, values or {})

    async def close(self, user: str, *, everything: bool = False) -> Outcome:
        return await self.client.close(user, everything=everything)

    async def suggest(self, user: str, action_id: str, typed: str = "") -> Outcome:
        """The options that the app offers for an external select are in `outcome.body`."""
        return await self.client.suggest(user, Press(action_id=action_id), typed)

    async def command(self, user: str, command: str, text: str = "", *, channel: str | None = None) -> Outcome:
        """Typed in the app's direct channel, unless another one is named."""
        return await self.client.command(user, command, text, channel or self.direct(user))

    async def open_home(self, user: str, tab: str = "home") -> Outcome:
        self.client.person(user)
        view = self.home(user)
        event: dict[str, Any] = {"type": "app_home_opened", "user": user, "channel": self.direct(user), "tab": tab}
        # Slack includes the current Home view, except at the first visit.
        return await self.event(event | ({"view": self.client.payloads.view(view)} if view else {}), user=user)

    async def event(
        self,
        event: Mapping[str, Any],
        *,
        user: str = "",
        event_id: str | None = None,
        retry: int = 0,
        reason: str = "",
    ) -> Outcome:
        payload = self.client.payloads.event(event, event_id)
        return await self.client.event(user or str(event.get("user", "")), payload, retry, reason)

    def person_event(self, user: str, kind: str = "user_change") -> dict[str, Any]:
        """user_change or team_join, with the person's current data."""
        person = self.workspace.people[user]
        return {"type": kind, "user": person.api_json(with_email="users:read.email" in self.scopes), "cache_ts": 0}

    def group_event(self, group: str, kind: str = "subteam_updated") -> dict[str, Any]:
        """subteam_created or subteam_updated, with the group's current data."""
        return {"type": kind, "subteam": self.workspace.groups[group].api_json(self.team_id, with_users=True)}
