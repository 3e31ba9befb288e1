"""Looking: what stands in the channels, what is open in front of whom, what the app has called."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from playground.model.messages import Message
from playground.model.setting import Setting
from playground.model.views import View
from playground.model.workspace import Call

T = TypeVar("T")
TOLD = 12  # calls, when something did not happen


class NeverError(AssertionError):
    """What a test waited for did not happen."""


class Looking(Setting):
    """The second third."""

    def direct(self, user: str) -> str:
        return self.workspace.direct(user).id

    def messages(self, channel: str) -> list[Message]:
        """In the order in which they were posted, replies among them; of a person: what the app wrote to them."""
        return self.workspace.messages.within(self.direct(channel) if channel in self.workspace.people else channel)

    def message(self, channel: str, ts: str) -> Message:
        found = self.workspace.messages.find(channel, ts)
        if found is None:
            raise LookupError(f"there is no message {ts} in {channel}")
        return found

    def thread(self, channel: str, ts: str) -> list[Message]:
        return self.workspace.messages.thread(channel, ts)

    def private_notes(self, user: str) -> list[Message]:
        return self.workspace.messages.notes(user)

    def modal(self, user: str) -> View | None:
        return self.workspace.views.top(user)

    def modals(self, user: str) -> list[View]:
        """From the one at the bottom to the one on top."""
        return self.workspace.views.stack(user)

    def home(self, user: str) -> View | None:
        return self.workspace.views.home(user)

    @property
    def calls(self) -> list[Call]:
        return list(self.workspace.calls)

    def calls_to(self, method: str) -> list[Call]:
        return [each for each in self.workspace.calls if each.method == method]

    async def until(self, predicate: Callable[[], T | None], seconds: float = 5.0) -> T:
        """The first true value of the predicate, which is asked again at each change in the workspace."""
        try:
            async with asyncio.timeout(seconds):
                while not (value := predicate()):
                    await self.workspace.changes.next()
        except TimeoutError:
            raise NeverError(self._told(seconds)) from None
        return value

    def _told(self, seconds: float) -> str:
        last = [f"{each.method} -> {each.error or 'ok'}" for each in self.calls[-TOLD:]]
        return f"it did not happen within {seconds} s; the last calls were: {', '.join(last) or 'none'}"
