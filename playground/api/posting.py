"""How a message comes to stand in a channel, whichever way it came."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from playground.api.mentions import in_text, mentioned
from playground.api.validation import check_message
from playground.model.channels import Channel
from playground.model.elements import named
from playground.model.messages import Message
from playground.model.refusals import RefusedError
from playground.model.workspace import Workspace

LONGEST = 40_000  # what is longer is cut without a word


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What a message says. None is what was not given, which an update treats otherwise than what was given empty."""

    text: str | None = None
    blocks: list[Any] | None = None
    attachments: list[Any] | None = None
    metadata: Mapping[str, Any] | None = None

    @property
    def empty(self) -> bool:
        return not (self.text or self.blocks or self.attachments)

    def checked(self, *, update: bool = False, spared: Collection[str] = ()) -> Content:
        if self.empty:
            raise RefusedError("no_text")
        given = {"text": self.text, "blocks": self.blocks, "attachments": self.attachments, "metadata": self.metadata}
        message = {name: value for name, value in given.items() if value is not None}
        check_message(message, update=update, spared=spared)
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a message goes, and how."""

    channel: Channel
    thread_ts: str | None = None
    broadcast: bool = False
    seen_by: str | None = None
    unfurl_links: bool = True
    unfurl_media: bool = True
    author: str | None = field(default=None)


def post(slack: Workspace, place: Place, content: Content) -> Message:
    blocks, text = named(content.blocks), (content.text or "")[:LONGEST]
    pings = mentioned(text, blocks)
    return slack.messages.post(
        Message(
            channel=place.channel.id,
            ts=slack.mint.ts(),
            text=text,
            user=place.author or slack.bot_user,
            by_app=place.author is None,
            blocks=blocks,
            attachments=content.attachments or (),
            metadata=content.metadata,
            thread_ts=_thread(slack, place),
            broadcast=place.broadcast,
            seen_by=place.seen_by,
            unfurl_links=place.unfurl_links,
            unfurl_media=place.unfurl_media,
            mentioned=pings | frozenset(in_text(text)),
            notified=frozenset() if place.seen_by else slack.pinged(place.channel, pings),
        )
    )


def _thread(slack: Workspace, place: Place) -> str | None:
    """A reply to a reply belongs to the thread in which that one stands."""
    if not place.thread_ts:
        return None
    parent = slack.messages.find(place.channel.id, place.thread_ts)
    if parent is None:
        raise RefusedError("thread_not_found")
    return parent.thread_ts or parent.ts


def change(slack: Workspace, message: Message, content: Content) -> Message:
    """Text without blocks takes the blocks away; attachments and metadata stay unless something else is given."""
    return slack.messages.change(
        message,
        text=message.text if content.text is None else content.text,
        blocks=named(content.blocks),
        attachments=message.attachments if content.attachments is None else content.attachments,
        metadata=message.metadata if content.metadata is None else content.metadata or None,
    )


def shape(slack: Workspace, message: Message) -> dict[str, Any]:
    """As the Web API and the payloads show a message."""
    author = {"app_id": slack.app_id, "bot_id": slack.bot_id} if message.by_app else {}
    shown = {
        "type": "message",
        "user": message.user,
        "ts": message.ts,
        "team": slack.team_id,
        "text": message.text,
        **author,
    }
    optional = {
        "blocks": list(message.blocks),
        "attachments": list(message.attachments),
        "metadata": message.metadata,
        "thread_ts": message.thread_ts,
    }
    return shown | {name: value for name, value in optional.items() if value}
