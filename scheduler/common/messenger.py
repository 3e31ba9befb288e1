"""The Slack client, as far as delivery needs it. `bot` implements it and maps every failure to one of these errors."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from blocks.kit.message import Message
from rules.people.directory import Person


class SlackError(Exception):
    """Slack's error code, such as `channel_not_found`."""

    def __init__(self, error: str) -> None:
        super().__init__(error)
        self.error = error


class BusyError(SlackError):
    """Rate limited: nothing was done. Try again after so many seconds."""

    def __init__(self, error: str, after: float) -> None:
        super().__init__(error)
        self.after = after


class UnreachableError(SlackError):
    """No usable answer. Whether the call had an effect is unknown; a later call may succeed."""


class RefusedError(SlackError):
    """Refused, and will be refused again until someone changes something."""


class TextError(SlackError):
    """Refused because of what the message says: any other message may be accepted, and this one will not be."""


class TokenError(SlackError):
    """Slack refuses every call: the app was removed or its token is invalid."""


class Posted(NamedTuple):
    """Where a message is. The channel differs from the requested one for a person: it is their direct channel."""

    channel: str
    ts: str


class Lookup(Protocol):
    """The calls that prove a card before silence counts as consent."""

    async def permalink(self, posted: Posted) -> str:
        """Raises RefusedError if the message does not exist."""
        ...

    async def members(self, channel: str, page: str) -> tuple[frozenset[str], str | None]:
        """One page of the channel's members (the first if `page` is empty), and the next page if there is one.

        Raises RefusedError for a channel in which the app cannot post: archived, deleted, or left by the app.
        """
        ...


class Messenger(Lookup, Protocol):
    async def post(self, channel: str, message: Message, thread: str | None = None) -> Posted: ...

    async def update(self, posted: Posted, message: Message) -> None: ...

    async def respond(self, url: str, message: Message) -> None:
        """Replaces the clicked card through the response URL that came with the click."""
        ...

    async def people(self, page: str) -> tuple[list[Person], str | None]: ...

    async def group(self, group_id: str) -> frozenset[str]: ...
