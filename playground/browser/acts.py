"""What a person can do in the page. Each act is parsed completely before anything is done.

`ACTS` maps the name of an act to its model. `Browsing` parses the request, checks who acts, and calls `perform`. An act
that does not reach Slack (`reaches_slack`) works while Slack is down.
"""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from playground.browser.condition import Condition, SlackCondition
from playground.browser.page_data import PageData
from playground.client.actions import SlackActions
from playground.client.interactions import Client, Press
from playground.client.outcomes import Outcome
from playground.model.refusals import NotPossibleError
from playground.model.views import View

Typed = dict[str, dict[str, Any]]
MAX_TEXT = 12_000  # characters of a person's own message


@dataclass(frozen=True, slots=True)
class Context:
    """Who acts, checked already, and what everyone acts with."""

    actions: SlackActions
    condition: SlackCondition
    user: str

    @property
    def client(self) -> Client:
        return self.actions.client

    def view(self, view_id: str) -> View:
        """A view that the person has open."""
        views = self.actions.workspace.views
        for view in (views.top(self.user), views.home(self.user)):
            if view and view.id == view_id:
                return view
        raise NotPossibleError("This form is not open any more.")


class Act(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    reaches_slack: ClassVar[bool] = True

    user: str = Field(alias="as")

    async def perform(self, context: Context) -> Outcome | None:
        raise NotImplementedError


class PressAct(Act):
    block_id: str
    action_id: str
    option: Any = None

    @property
    def press(self) -> Press:
        return Press(action_id=self.action_id, block_id=self.block_id, option=self.option)


class Click(PressAct):
    channel: str
    ts: str

    async def perform(self, context: Context) -> Outcome:
        message = context.client.slack.messages.find(self.channel, self.ts)
        if message is None:
            raise NotPossibleError("This message is not there any more.")
        return await context.client.click(context.user, message, self.press)


class ClickView(PressAct):
    """On a modal or the Home tab, with the values that were typed into it so far."""

    view: str
    typed: Typed = {}

    async def perform(self, context: Context) -> Outcome:
        view = context.client.fill_in(context.view(self.view), self.typed)
        return await context.client.click_view(context.user, view, self.press)


class Suggest(PressAct):
    typed: str = Field(default="", max_length=MAX_TEXT)

    async def perform(self, context: Context) -> Outcome:
        return await context.client.suggest(context.user, self.press, self.typed)


class Submit(Act):
    view: str
    typed: Typed = {}

    async def perform(self, context: Context) -> Outcome:
        context.client.fill_in(context.view(self.view), self.typed)
        return await context.client.submit(context.user, {})


class Close(Act):
    """Works even if Slack is down; the app then hears nothing of it."""

    reaches_slack: ClassVar[bool] = False

    view: str

    async def perform(self, context: Context) -> Outcome | None:
        view, slack = context.view(self.view), context.actions.workspace
        if not slack.faults.refusing:
            return await context.client.close(context.user)
        slack.views.close(view)
        return None


class Command(Act):
    channel: str
    text: str = Field(max_length=MAX_TEXT, pattern=r"^/\S")

    async def perform(self, context: Context) -> Outcome:
        name, _, rest = self.text.partition(" ")
        return await context.client.command(context.user, name, rest.strip(), self.channel)


class Say(Act):
    channel: str
    text: str = Field(min_length=1, max_length=MAX_TEXT)
    thread_ts: str | None = None

    async def perform(self, context: Context) -> None:
        """The app hears nothing of it."""
        channel = context.client.slack.channels.get(self.channel)
        if channel is None or context.user not in channel.members:
            raise NotPossibleError("You are not in this channel.")
        # As Slack's client sends it: typed text is not markup, except for names.
        text = context.client.replace_names(html.escape(self.text, quote=False))
        context.actions.say(context.user, self.channel, text, self.thread_ts)


class OpenHome(Act):
    async def perform(self, context: Context) -> Outcome:
        return await context.actions.open_home(context.user)


class Dismiss(Act):
    """Remove a private note. Only its reader has a copy."""

    channel: str
    ts: str

    async def perform(self, context: Context) -> None:
        slack = context.client.slack
        shown = PageData(slack, context.user).message(self.channel, self.ts)
        note = slack.messages.find(self.channel, self.ts)
        if note is None or not (shown and shown["private"]):
            raise NotPossibleError("Only a note that you alone see can be dismissed.")
        slack.messages.delete(note)


class ChangeCondition(Act):
    reaches_slack: ClassVar[bool] = False

    condition: Condition

    async def perform(self, context: Context) -> None:
        context.condition.change(self.condition)


ACTS: Mapping[str, type[Act]] = {
    "click": Click,
    "click-view": ClickView,
    "suggest": Suggest,
    "submit": Submit,
    "close": Close,
    "command": Command,
    "say": Say,
    "home": OpenHome,
    "dismiss": Dismiss,
    "condition": ChangeCondition,
}
