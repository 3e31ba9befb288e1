"""Slack, as far as delivery needs it. `bot` holds the real client; what it meets comes back as one of four faults."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from blocks.kit.message import Message
from rules.people.directory import Person


class SlackError(Exception):
    """What Slack said, in its own word, such as `channel_not_found`."""

    def __init__(self, error: str) -> None:
        super().__init__(error)
        self.error = error


class BusyError(SlackError):
    """Too fast: again after so many seconds. Nothing was done."""

    def __init__(self, error: str, after: float) -> None:
        super().__init__(error)
        self.after = after


class UnreachableError(SlackError):
    """No answer, or none that says anything. Whether it was done is not known; later it may go."""


class RefusedError(SlackError):
    """It will be refused again, until somebody changes something."""


class TokenError(SlackError):
    """Nothing will be done for us any more, wherever: the app or its token is gone."""


class Posted(NamedTuple):
    """Where a message is. The channel may be another than was asked for: a person's is their conversation with us."""

    channel: str
    ts: str


class Lookup(Protocol):
    """What Slack is asked before a silence counts."""

    async def permalink(self, posted: Posted) -> str:
        """Refused if there is no such message, or not any more."""
        ...

    async def members(self, channel: str, page: str) -> tuple[frozenset[str], str | None]:
        """A page of them, the first one where none is named; and the next page, if there is one.

        Refused for a channel in which the app can post nothing: archived, deleted, or left by the app.
        """
        ...


class Messenger(Lookup, Protocol):
    async def post(self, channel: str, message: Message, thread: str | None = None) -> Posted: ...

    async def update(self, posted: Posted, message: Message) -> None: ...

    async def respond(self, url: str, message: Message) -> None:
        """In the place of the card that was clicked, through the address that came with the click."""
        ...

    async def people(self, page: str) -> tuple[list[Person], str | None]: ...

    async def group(self, group_id: str) -> frozenset[str]: ...
