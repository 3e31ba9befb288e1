"""`SlackQueries`: messages, views and API calls of the workspace."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from playground.model.messages import Message
from playground.model.setup import SlackSetup
from playground.model.views import View
from playground.model.workspace import Call

T = TypeVar("T")
CALLS_SHOWN = 12  # calls listed in the error


class NotInTimeError(AssertionError):
    """What a test waited for did not happen in time."""


class SlackQueries(SlackSetup):
    """The second of three layers of the test interface."""

    def direct(self, user: str) -> str:
        return self.workspace.direct(user).id

    def messages(self, channel: str) -> list[Message]:
        """In the order of posting, replies included. For a person: what the app wrote to them."""
        return self.workspace.messages.within(self.direct(channel) if channel in self.workspace.people else channel)

    def message(self, channel: str, ts: str) -> Message:
        message = self.workspace.messages.find(channel, ts)
        if message is None:
            raise LookupError(f"there is no message {ts} in {channel}")
        return message

    def thread(self, channel: str, ts: str) -> list[Message]:
        return self.workspace.messages.thread(channel, ts)

    def private_notes(self, user: str) -> list[Message]:
        return self.workspace.messages.notes(user)

    def modal(self, user: str) -> View | None:
        return self.workspace.views.top(user)

    def modals(self, user: str) -> list[View]:
        """From bottom to top."""
        return self.workspace.views.stack(user)

    def home(self, user: str) -> View | None:
        return self.workspace.views.home(user)

    @property
    def calls(self) -> list[Call]:
        return list(self.workspace.calls)

    def calls_to(self, method: str) -> list[Call]:
        return [call for call in self.workspace.calls if call.method == method]

    async def until(self, predicate: Callable[[], T | None], seconds: float = 5.0) -> T:
        """The first true value of the predicate, which is evaluated again after each change in the workspace."""
        try:
            async with asyncio.timeout(seconds):
                while not (value := predicate()):
                    await self.workspace.changes.next()
        except TimeoutError:
            raise NotInTimeError(self._timeout_message(seconds)) from None
        return value

    def _timeout_message(self, seconds: float) -> str:
        last = [f"{call.method} -> {call.error or 'ok'}" for call in self.calls[-CALLS_SHOWN:]]
        return f"it did not happen within {seconds} s; the last calls were: {', '.join(last) or 'none'}"
