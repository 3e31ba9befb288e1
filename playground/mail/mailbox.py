"""The mailboxes of the workspace's people: mails as their mail programs show them, the newest first."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP

from playground.model.changes import Changes

HEADERS = ("From", "To", "Subject", "Date", "Message-ID", "References", "Auto-Submitted")


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A mail that was accepted for these addresses. `raw` is what the server received."""

    id: str
    recipients: tuple[str, ...]
    raw: bytes
    headers: Mapping[str, str]
    text: str
    html: str

    def is_for(self, addresses: Collection[str]) -> bool:
        return not {address.casefold() for address in addresses}.isdisjoint(self.recipients)


@dataclass(slots=True)
class Mailbox:
    """`url` is the address of the server that receives mails; None if there is none."""

    changes: Changes
    url: str | None = None
    _letters: list[Letter] = field(default_factory=list)

    def deliver(self, raw: bytes, recipients: Sequence[str]) -> Letter:
        letter = _letter(str(len(self._letters) + 1), raw, recipients)
        self._letters.append(letter)
        self.changes.announce("mail.arrived", letter=letter.id)
        return letter

    def of(self, addresses: Collection[str]) -> list[Letter]:
        return [letter for letter in reversed(self._letters) if letter.is_for(addresses)]

    def find(self, letter_id: str) -> Letter | None:
        return next((letter for letter in self._letters if letter.id == letter_id), None)


def _letter(letter_id: str, raw: bytes, recipients: Sequence[str]) -> Letter:
    message = message_from_bytes(raw, policy=SMTP)
    return Letter(
        id=letter_id,
        recipients=tuple(address.casefold() for address in recipients),
        raw=raw,
        headers={name: str(message[name]) for name in HEADERS if message[name]},
        text=_content(message, "plain"),
        html=_content(message, "html"),
    )


def _content(message: EmailMessage, subtype: str) -> str:
    body = message.get_body((subtype,))
    return body.get_content() if body else ""
