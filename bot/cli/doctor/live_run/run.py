"""`LiveRun`: what the steps of one run share: where they post, who answers, and how they ask the operator.

`countersign doctor --live` posts in a real channel. A step posts messages or opens views, and asks the operator to
press a button or to compare what they see with a description. The operator's clicks come in through `arrivals`. At
its end, also after Ctrl-C, the run deletes what it posted, unless the operator wants to keep it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from typing import Any, TypeVar

from slack_sdk.web.async_client import AsyncWebClient

from blocks.kit.elements import Block, actions, plain, statement
from blocks.kit.message import Message
from bot.cli.doctor.live_run.arrivals import Arrival, Arrivals
from bot.cli.doctor.live_run.results import Result, as_expected, differs, error_word, not_tried
from bot.slack.outgoing.client import InstalledApp, SlackClient
from bot.slack.transport.socket import Socket
from scheduler.common.messenger import BusyError, Posted, SlackError

T = TypeVar("T")
RETRIES = 5
AS_DESCRIBED, DIFFERENT, SKIP = "As described", "Different", "Skip"


@dataclass
class LiveRun:
    """`group` is a user group that the policy names. `posted` are the messages of the run that are still there.

    `begun` is the click with which the operator began the run; `command` sets it before the first step.
    """

    slack: SlackClient
    installed: InstalledApp
    channel: str
    arrivals: Arrivals
    socket: Socket | None = None
    group: str | None = None
    posted: list[Posted] = field(default_factory=list)
    begun: Arrival | None = None
    _posting: asyncio.Future[Posted] | None = None
    _numbers: count[int] = field(default_factory=lambda: count(1))

    @property
    def web(self) -> AsyncWebClient:
        return self.slack.web

    @property
    def operator(self) -> str:
        return self.arrivals.operator or ""

    async def post(self, message: Message, channel: str | None = None) -> Posted:
        """Ctrl-C waits for Slack's answer, without which the message could not be deleted."""
        self._posting = asyncio.ensure_future(self._post(channel or self.channel, message))
        return await asyncio.shield(self._posting)

    async def _post(self, channel: str, message: Message) -> Posted:
        posted = await patiently(lambda: self.slack.post(channel, message))
        self.posted.append(posted)
        return posted

    async def update(self, posted: Posted, message: Message) -> None:
        await patiently(lambda: self.slack.update(posted, message))

    async def delete(self, posted: Posted) -> None:
        await patiently(lambda: self.slack.call(self.web.chat_delete(channel=posted.channel, ts=posted.ts)))
        self.posted.remove(posted)

    async def clean_up(self) -> None:
        with suppress(SlackError):
            if self._posting:
                await self._posting
        for posted in list(reversed(self.posted)):
            with suppress(SlackError):
                await self.delete(posted)

    def button(self, label: str, name: str) -> dict[str, Any]:
        return {"type": "button", "text": plain(label, 75), "action_id": self.arrivals.id_of(name)}

    def unique(self, name: str) -> str:
        """A name for a button that no other message of this run has, so that a late click is not taken for this one."""
        return f"{name}_{next(self._numbers)}"

    async def press(self, instruction: str, label: str) -> Arrival | None:
        """Ask the operator to press one button. None if they skip it."""
        pressed, skipped = self.unique("pressed"), self.unique("skipped")
        self.arrivals.expect(pressed, skipped)
        await self.ask_for(instruction, [self.button(label, pressed), self.button(SKIP, skipped)])
        arrival = await self.arrivals.first()
        return arrival if arrival.name == pressed else None

    async def ask(self, question: str, above: Sequence[Block] = ()) -> Result:
        """Ask whether something looks as described; after "Different", a form asks what was seen instead."""
        names = {label: self.unique("answer") for label in (AS_DESCRIBED, DIFFERENT, SKIP)}
        self.arrivals.expect(*names.values())
        await self.ask_for(question, [self.button(label, name) for label, name in names.items()], above)
        seen = self.unique("seen")
        arrival = await self.arrivals.first()
        while arrival.name == names[DIFFERENT]:
            self.arrivals.expect(*names.values(), seen)  # a closed form leaves the buttons
            try:
                await self.open_view(arrival, seen_form(self.arrivals.id_of(seen), question))
            except SlackError as fault:
                return differs(f"the operator saw something else; the form did not open ({error_word(fault)})")
            arrival = await self.arrivals.first()
        if arrival.name == seen:
            return differs(f"the operator saw: {_typed(arrival)}")
        return as_expected() if arrival.name == names[AS_DESCRIBED] else not_tried("skipped")

    async def ask_for(self, text: str, buttons: Iterable[dict[str, Any]], above: Sequence[Block] = ()) -> None:
        await self.post(Message(text, (*above, statement(text), actions(buttons))))

    async def open_view(self, arrival: Arrival, view: dict[str, Any]) -> dict[str, Any]:
        return await self._view(self.web.views_open(trigger_id=arrival.trigger_id, view=view))

    async def push_view(self, arrival: Arrival, view: dict[str, Any]) -> dict[str, Any]:
        return await self._view(self.web.views_push(trigger_id=arrival.trigger_id, view=view))

    async def update_view(self, view_id: str, stamp: str, view: dict[str, Any]) -> dict[str, Any]:
        return await self._view(self.web.views_update(view_id=view_id, hash=stamp, view=view))

    async def _view(self, call: Awaitable[Any]) -> dict[str, Any]:
        return dict((await self.slack.call(call, "view"))["view"])


async def patiently(call: Callable[[], Awaitable[T]]) -> T:
    """Call, and if Slack limits the rate, wait as long as it says and call again, `RETRIES` times at most."""
    for _ in range(RETRIES):
        try:
            return await call()
        except BusyError as fault:
            await asyncio.sleep(fault.after)
    return await call()


def plain_view(callback_id: str, text: str, button: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    view = {"type": "modal", "callback_id": callback_id, "title": plain("Live run", 24), "close": plain("Close", 24)}
    return view | {"blocks": [statement(text), *([actions([button])] if button else [])]} | more


def seen_form(callback_id: str, question: str) -> dict[str, Any]:
    element = {"type": "plain_text_input", "action_id": "seen", "multiline": True, "max_length": 1000}
    answer_input = {
        "type": "input",
        "block_id": "seen",
        "label": plain("What did you see instead?", 100),
        "element": element,
    }
    view = plain_view(callback_id, question, submit=plain("Send", 24))
    return view | {"blocks": [*view["blocks"], answer_input]}


def _typed(form: Arrival) -> str:
    return str(form.body["view"]["state"]["values"]["seen"]["seen"]["value"])
