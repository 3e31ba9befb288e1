"""What a person can do in the page, as a browser asks for it: each is parsed whole before anything is done."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from playground.browser.picture import Picture
from playground.browser.weather import Kind, Weather
from playground.client.acting import Acting
from playground.client.interactions import Client, Press
from playground.client.outcomes import Outcome
from playground.model.refusals import NotPossibleError
from playground.model.views import View

Typed = dict[str, dict[str, Any]]
LONGEST = 12_000  # characters of a person's own message


@dataclass(frozen=True, slots=True)
class Hand:
    """Whose it is has been looked at; what they act with is everybody's."""

    acting: Acting
    weather: Weather
    user: str

    @property
    def client(self) -> Client:
        return self.acting.client

    def view(self, view_id: str) -> View:
        """One that the person has before them."""
        views = self.acting.workspace.views
        for view in (views.top(self.user), views.home(self.user)):
            if view and view.id == view_id:
                return view
        raise NotPossibleError("This form is not open any more.")


class Act(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    reaches_slack: ClassVar[bool] = True

    user: str = Field(alias="as")

    async def by(self, hand: Hand) -> Outcome | None:
        raise NotImplementedError


class Pressed(Act):
    block_id: str
    action_id: str
    option: Any = None

    @property
    def press(self) -> Press:
        return Press(action_id=self.action_id, block_id=self.block_id, option=self.option)


class Click(Pressed):
    channel: str
    ts: str

    async def by(self, hand: Hand) -> Outcome:
        message = hand.client.slack.messages.find(self.channel, self.ts)
        if message is None:
            raise NotPossibleError("This message is not there any more.")
        return await hand.client.click(hand.user, message, self.press)


class ClickView(Pressed):
    """On a modal or the Home tab, with what was typed into it until then."""

    view: str
    typed: Typed = {}

    async def by(self, hand: Hand) -> Outcome:
        view = hand.client.fill_in(hand.view(self.view), self.typed)
        return await hand.client.click_view(hand.user, view, self.press)


class Suggest(Pressed):
    typed: str = Field(default="", max_length=LONGEST)

    async def by(self, hand: Hand) -> Outcome:
        return await hand.client.suggest(hand.user, self.press, self.typed)


class Submit(Act):
    view: str
    typed: Typed = {}

    async def by(self, hand: Hand) -> Outcome:
        hand.client.fill_in(hand.view(self.view), self.typed)
        return await hand.client.submit(hand.user, {})


class Close(Act):
    """Also where Slack is away, of which the app then hears nothing."""

    reaches_slack: ClassVar[bool] = False

    view: str

    async def by(self, hand: Hand) -> Outcome | None:
        view, slack = hand.view(self.view), hand.acting.workspace
        if not slack.faults.refusing:
            return await hand.client.close(hand.user)
        slack.views.close(view)
        return None


class Command(Act):
    channel: str
    text: str = Field(max_length=LONGEST, pattern=r"^/\S")

    async def by(self, hand: Hand) -> Outcome:
        name, _, rest = self.text.partition(" ")
        return await hand.client.command(hand.user, name, rest.strip(), self.channel)


class Say(Act):
    channel: str
    text: str = Field(min_length=1, max_length=LONGEST)
    thread_ts: str | None = None

    async def by(self, hand: Hand) -> None:
        """The app hears nothing of it."""
        channel = hand.client.slack.channels.get(self.channel)
        if channel is None or hand.user not in channel.members:
            raise NotPossibleError("You are not in this channel.")
        # As Slack's client sends it: what was typed is no markup, but for the names.
        text = hand.client.naming(html.escape(self.text, quote=False))
        hand.acting.say(hand.user, self.channel, text, self.thread_ts)


class OpenHome(Act):
    async def by(self, hand: Hand) -> Outcome:
        return await hand.acting.open_home(hand.user)


class Dismiss(Act):
    """A private note, of which only its reader has a copy."""

    channel: str
    ts: str

    async def by(self, hand: Hand) -> None:
        slack = hand.client.slack
        shown = Picture(slack, hand.user).message(self.channel, self.ts)
        note = slack.messages.find(self.channel, self.ts)
        if note is None or not (shown and shown["private"]):
            raise NotPossibleError("Only a note that you alone see can be dismissed.")
        slack.messages.delete(note)


class Turn(Act):
    reaches_slack: ClassVar[bool] = False

    weather: Kind

    async def by(self, hand: Hand) -> None:
        hand.weather.turn(self.weather)


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
    "weather": Turn,
}
