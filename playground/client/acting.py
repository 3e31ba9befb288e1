"""Acting: what people do with their Slack, and what Slack itself tells the app."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, TypedDict, Unpack

from playground.api.posting import Content, Place, post
from playground.client.interactions import Client, Press
from playground.client.looking import Looking
from playground.client.outcomes import Outcome
from playground.model.messages import Message
from playground.model.refusals import NotPossibleError
from playground.model.views import View
from playground.model.workspace import Workspace


class How(TypedDict, total=False):
    """How an element is pressed; `interactions.Press` says more."""

    option: Any
    block_id: str
    having_value: str
    confirm: bool


class Acting(Looking):
    """The last third."""

    def __init__(self, workspace: Workspace, client: Client) -> None:
        super().__init__(workspace)
        self.client = client

    def app_at(self, url: str | None) -> None:
        """Where events, interactions and commands go. None: nowhere, as with Socket Mode alone."""
        self.client.delivery.url = url

    @property
    def ack_within(self) -> float:
        """How long Slack waits for the app, in real seconds."""
        return self.client.delivery.ack_within

    @ack_within.setter
    def ack_within(self, seconds: float) -> None:
        self.client.delivery.ack_within = seconds

    async def connect(self, url: str) -> Outcome:
        """As Slack does when somebody enters the address: it must answer the challenge."""
        self.app_at(url)
        payload = self.client.payloads.verification()
        outcome = await self.client.event("", payload)
        said = outcome.body.get("challenge") if isinstance(outcome.body, Mapping) else outcome.body
        if outcome.error or said != payload["challenge"]:
            raise NotPossibleError(f"{url} did not answer the challenge: {outcome.error or said!r}")
        return outcome

    def say(self, user: str, channel: str, text: str, thread_ts: str | None = None) -> Message:
        """A message of a person's own. The app hears nothing of it: it has no scope to listen."""
        self.client.person(user)
        place = Place(channel=self.workspace.channels[channel], thread_ts=thread_ts, author=user)
        return post(self.workspace, place, Content(text=text))

    def reload(self, user: str) -> None:
        """Private notes do not outlive it."""
        self.workspace.messages.forget_notes(user)

    async def click(
        self,
        user: str,
        message: Message,
        action_id: str,
        *,
        old_copy: bool = False,
        **how: Unpack[How],
    ) -> Outcome:
        press = Press(action_id=action_id, **how)
        return await self.client.click(user, message, press, old_copy=old_copy)

    async def double_click(
        self, user: str, message: Message, action_id: str, *, old_copy: bool = False, **how: Unpack[How]
    ) -> tuple[Outcome, Outcome]:
        """Both are on their way before either is answered; Slack gives each its own trigger and time."""
        twice = (self.click(user, message, action_id, old_copy=old_copy, **how) for _ in range(2))
        first, second = await asyncio.gather(*twice)
        return first, second

    async def redeliver(self, outcome: Outcome, *, retry: int = 0, reason: str = "") -> Outcome:
        return await self.client.again(outcome, retry, reason)

    async def click_modal(
        self,
        user: str,
        action_id: str,
        *,
        values: Mapping[str, Any] | None = None,
        **how: Unpack[How],
    ) -> Outcome:
        """`values` is what was typed into the modal before."""
        view = self.client.type_in(user, values or {})
        press = Press(action_id=action_id, **how)
        return await self.client.click_view(user, view, press)

    async def click_home(
        self,
        user: str,
        action_id: str,
        *,
        copy: View | None = None,
        **how: Unpack[How],
    ) -> Outcome:
        """`copy` is an older one, which somebody's phone may still show."""
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
        """What an element that asks the app for its options is offered: `outcome.body`."""
        return await self.client.suggest(user, Press(action_id=action_id), typed)

    async def command(self, user: str, command: str, text: str = "", *, channel: str | None = None) -> Outcome:
        """Given in the app's direct channel, unless another is named."""
        return await self.client.command(user, command, text, channel or self.direct(user))

    async def open_home(self, user: str, tab: str = "home") -> Outcome:
        self.client.person(user)
        view = self.home(user)
        event: dict[str, Any] = {"type": "app_home_opened", "user": user, "channel": self.direct(user), "tab": tab}
        # Slack tells what stands there, which it does not at the first visit.
        return await self.event(event | ({"view": self.client.payloads.shown(view)} if view else {}), user=user)

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
        """user_change or team_join, with the person as they are now."""
        person = self.workspace.people[user]
        return {"type": kind, "user": person.shown(with_email="users:read.email" in self.scopes), "cache_ts": 0}

    def group_event(self, group: str, kind: str = "subteam_updated") -> dict[str, Any]:
        """subteam_created or subteam_updated, with the group as it is now."""
        return {"type": kind, "subteam": self.workspace.groups[group].shown(self.team_id, with_users=True)}
