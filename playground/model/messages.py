"""Messages and private notes. They are immutable: a value that was read earlier is an old copy of the message."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from typing import Any

from playground.model.changes import Changes
from playground.model.elements import Element, elements, visible_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    channel: str
    ts: str
    text: str
    user: str
    blocks: Sequence[Mapping[str, Any]] = ()
    attachments: Sequence[Mapping[str, Any]] = ()
    metadata: Mapping[str, Any] | None = None
    thread_ts: str | None = None
    broadcast: bool = False
    by_app: bool = True
    edits: int = 0  # how often it was changed, which Slack does not show
    notified: AbstractSet[str] = frozenset()  # ids of people, at the time of posting
    mentioned: AbstractSet[str] = frozenset()  # what `find_mentions` returns, and the mentions in the fallback text
    unfurl_links: bool = True
    unfurl_media: bool = True
    # A private note is a message that one person sees until they reload.
    seen_by: str | None = None

    @property
    def shown(self) -> str:
        """The text that a person reads: of the blocks, or of the message without blocks."""
        return visible_text(self.blocks) if self.blocks else self.text

    @property
    def elements(self) -> list[Element]:
        """The interactive elements."""
        return list(elements(self.blocks))

    @property
    def action_ids(self) -> list[str]:
        return [element.action_id for element in self.elements]

    @property
    def labels(self) -> list[str]:
        return [element.label for element in self.elements]


MessagesByTs = dict[str, dict[str, Message]]  # by channel and ts


@dataclass(slots=True)
class Messages:
    changes: Changes
    _posts: MessagesByTs = field(default_factory=dict)
    _notes: MessagesByTs = field(default_factory=dict)

    def post(self, message: Message) -> Message:
        self._keep(message)
        self._announce("note.shown" if message.seen_by else "message.posted", message)
        return message

    def _keep(self, message: Message) -> None:
        self._where(message).setdefault(message.channel, {})[message.ts] = message

    def _where(self, message: Message) -> MessagesByTs:
        return self._notes if message.seen_by else self._posts

    def find(self, channel: str, ts: str) -> Message | None:
        return self._posts.get(channel, {}).get(ts) or self._notes.get(channel, {}).get(ts)

    def change(self, message: Message, **fields: Any) -> Message:
        """An update is silent: nobody is notified, and nobody sees that it happened."""
        changed = replace(message, edits=message.edits + 1, **fields)
        self._keep(changed)
        self._announce("message.changed", changed)
        return changed

    def delete(self, message: Message) -> None:
        self._where(message).get(message.channel, {}).pop(message.ts, None)
        self._announce("message.deleted", message)

    def within(self, channel: str) -> list[Message]:
        return list(self._posts.get(channel, {}).values())

    def thread(self, channel: str, ts: str) -> list[Message]:
        return [message for message in self.within(channel) if message.thread_ts == ts]

    def notes(self, user: str) -> list[Message]:
        notes = [note for by_ts in self._notes.values() for note in by_ts.values() if note.seen_by == user]
        return sorted(notes, key=lambda note: note.ts)

    def forget_notes(self, user: str) -> None:
        for note in self.notes(user):
            self.delete(note)

    def move(self, old: str, new: str) -> None:
        """The channel got a new id."""
        for messages in (self._posts, self._notes):
            messages[new] = {ts: replace(message, channel=new) for ts, message in messages.pop(old, {}).items()}

    def _announce(self, kind: str, message: Message) -> None:
        self.changes.announce(kind, channel=message.channel, ts=message.ts, user=message.seen_by or "")
