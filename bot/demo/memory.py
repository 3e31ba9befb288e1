"""What was posted in the playground, kept: a Slack does not forget its messages because the app was started anew."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from bot.demo.journal import Entry, Journal
from playground.model.changes import Change
from playground.model.messages import Message
from playground.model.workspace import Workspace

MESSAGES = ("message.posted", "message.changed", "message.deleted")
SETS = ("notified", "mentioned")


class Memory:
    """Written before the app is answered, so that no card is known to the service and lost here."""

    def __init__(self, workspace: Workspace, journal: Journal) -> None:
        self._workspace, self._journal = workspace, journal

    def restore(self) -> None:
        """What there was before is there again; from now on, each message is kept."""
        kept = self._kept()
        self._journal.shorten(kept)
        for entry in kept:
            self._put(_read(entry))
        self._workspace.changes.subscribe(self._follow)

    def _kept(self) -> list[Entry]:
        kept: dict[tuple[str, str], Entry] = {}
        for entry in self._journal.entries():
            key = entry["channel"], entry["ts"]
            if "gone" in entry:
                kept.pop(key, None)
            else:
                kept[key] = entry
        return list(kept.values())

    def _put(self, message: Message) -> None:
        if message.channel.startswith("D"):
            self._workspace.direct(message.channel.removeprefix("D"))
        self._workspace.messages.post(message)

    def _follow(self, change: Change) -> None:
        if change.kind not in MESSAGES or change.about["user"]:
            return  # what only one person sees does not outlive their looking away
        channel, ts = change.about["channel"], change.about["ts"]
        found = self._workspace.messages.find(channel, ts)
        self._journal.append(_written(found) if found else {"channel": channel, "ts": ts, "gone": True})


def _written(message: Message) -> Entry:
    return {name: sorted(value) if name in SETS else value for name, value in asdict(message).items()}


def _read(entry: Entry) -> Message:
    fields: dict[str, Any] = {name: frozenset(value) if name in SETS else value for name, value in entry.items()}
    return Message(**fields)
