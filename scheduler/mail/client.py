"""The mail server's client, as far as sending needs it. `bot` implements it and maps every failure to one of these."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NamedTuple, Protocol

TAKEN_WITHIN = 25.0  # seconds from `before_text` to the answer


class MailError(Exception):
    """Nothing arrived. The message says why, without a password. A later attempt may succeed.

    `was_counted`: `before_text` was called, so the attempt counts as one that may arrive.
    """

    def __init__(self, error: str, *, was_counted: bool = False) -> None:
        super().__init__(error)
        self.was_counted = was_counted


class MailRefusedError(MailError):
    """The server refuses this address or this text for good (5xx)."""


class TextRefusedError(MailRefusedError):
    """The server refuses the text for good."""


class TextPutOffError(MailError):
    """The server refuses the text for now (4xx)."""


class NoAnswerError(MailError):
    """The text was sent, and no answer came: whether it arrived is unknown."""


class Envelope(NamedTuple):
    """`recipient` is an address of the directory. `message` is the whole message, as it is sent."""

    recipient: str
    message: bytes


class MailClient(Protocol):
    async def send(self, envelope: Envelope, before_text: Callable[[], Awaitable[None]]) -> None:
        """Returns once the server has accepted it. Calls `before_text` when the address is accepted.

        After that it takes `TAKEN_WITHIN` at most.
        """
        ...
