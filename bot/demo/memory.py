"""Keeps the playground's messages and mails: a real Slack does not forget them when the app restarts."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from bot.demo.journal import Entry, Journal
from playground.mail.mailbox import Mailbox
from playground.model.changes import Change
from playground.model.messages import Message
from playground.model.workspace import Workspace

MESSAGES = ("message.posted", "message.changed", "message.deleted")
SETS = ("notified", "mentioned")  # fields of a message that JSON keeps as lists


class Memory:
    """Messages are written before the app gets its answer, so no card that the service knows is lost here."""

    def __init__(self, workspace: Workspace, journal: Journal) -> None:
        self._workspace, self._journal = workspace, journal

    def restore(self) -> None:
        """Restore earlier messages, and keep every message from now on."""
        entries = self._entries_of_messages()
        self._journal.shorten(entries)
        for entry in entries:
            self._put(_message_of(entry))
        self._workspace.changes.subscribe(self._follow)

    def _entries_of_messages(self) -> list[Entry]:
        """The last entry of each message that was not deleted."""
        newest: dict[tuple[str, str], Entry] = {}
        for entry in self._journal.entries():
            key = entry["channel"], entry["ts"]
            if "gone" in entry:
                newest.pop(key, None)
            else:
                newest[key] = entry
        return list(newest.values())

    def _put(self, message: Message) -> None:
        if message.channel.startswith("D"):
            self._workspace.direct(message.channel.removeprefix("D"))
        self._workspace.messages.post(message)

    def _follow(self, change: Change) -> None:
        if change.kind not in MESSAGES or change.about["user"]:
            return  # private notes do not survive a reload
        channel, ts = change.about["channel"], change.about["ts"]
        message = self._workspace.messages.find(channel, ts)
        self._journal.append(_entry_of(message) if message else {"channel": channel, "ts": ts, "gone": True})


def keep_mails(mailbox: Mailbox, journal: Journal) -> None:
    """Restore earlier mails, and keep every mail from now on."""
    for entry in journal.entries():
        mailbox.deliver(entry["raw"].encode("latin-1"), entry["recipients"])

    def follow(change: Change) -> None:
        letter = mailbox.find(change.about["letter"]) if change.kind == "mail.arrived" else None
        if letter:
            # Any byte is one character of Latin-1.
            journal.append({"recipients": list(letter.recipients), "raw": letter.raw.decode("latin-1")})

    mailbox.changes.subscribe(follow)


def _entry_of(message: Message) -> Entry:
    return {name: sorted(value) if name in SETS else value for name, value in asdict(message).items()}


def _message_of(entry: Entry) -> Message:
    fields: dict[str, Any] = {name: frozenset(value) if name in SETS else value for name, value in entry.items()}
    return Message(**fields)
