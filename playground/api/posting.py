"""Posts and changes messages, for every method that can do so.

`chat_methods`, `responses` and the client's answers to commands use `post` and `change_message`. Content is validated
as Slack validates it, before anything is stored.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from playground.api.mentions import find_mentions, mentions_in_text
from playground.api.validation import check_message
from playground.model.channels import Channel
from playground.model.elements import with_ids
from playground.model.messages import Message
from playground.model.refusals import RefusedError
from playground.model.workspace import Workspace

MAX_TEXT = 40_000  # longer text is cut silently


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What a message says. None means not given: an update keeps such a field, but clears an empty one."""

    text: str | None = None
    blocks: list[Any] | None = None
    attachments: list[Any] | None = None
    metadata: Mapping[str, Any] | None = None

    @property
    def empty(self) -> bool:
        return not (self.text or self.blocks or self.attachments)

    def validate(self, *, update: bool = False, ignored_errors: Collection[str] = ()) -> Content:
        if self.empty:
            raise RefusedError("no_text")
        parts = {"text": self.text, "blocks": self.blocks, "attachments": self.attachments, "metadata": self.metadata}
        message = {name: value for name, value in parts.items() if value is not None}
        check_message(message, update=update, ignored_errors=ignored_errors)
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where and how a message is posted."""

    channel: Channel
    thread_ts: str | None = None
    broadcast: bool = False
    seen_by: str | None = None
    unfurl_links: bool = True
    unfurl_media: bool = True
    author: str | None = None


def _require_known(slack: Workspace, content: Content) -> None:
    unknown = slack.faults.unknown_blocks
    if any(isinstance(block, dict) and block.get("type") in unknown for block in content.blocks or ()):
        raise RefusedError("invalid_blocks")


def post(slack: Workspace, place: Place, content: Content) -> Message:
    _require_known(slack, content)
    blocks, text = with_ids(content.blocks), (content.text or "")[:MAX_TEXT]
    pings = find_mentions(text, blocks)
    return slack.messages.post(
        Message(
            channel=place.channel.id,
            ts=slack.ids.ts(),
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
            mentioned=pings | frozenset(mentions_in_text(text)),
            notified=frozenset() if place.seen_by else slack.notified_by(place.channel, pings),
        )
    )


def _thread(slack: Workspace, place: Place) -> str | None:
    """A reply to a reply joins the thread of that reply."""
    if not place.thread_ts:
        return None
    parent = slack.messages.find(place.channel.id, place.thread_ts)
    if parent is None:
        raise RefusedError("thread_not_found")
    return parent.thread_ts or parent.ts


def change_message(slack: Workspace, message: Message, content: Content) -> Message:
    """Text without blocks removes the blocks. Attachments and metadata stay unless new ones are given."""
    _require_known(slack, content)
    return slack.messages.change(
        message,
        text=message.text if content.text is None else content.text,
        blocks=with_ids(content.blocks),
        attachments=message.attachments if content.attachments is None else content.attachments,
        metadata=message.metadata if content.metadata is None else content.metadata or None,
    )


def message_json(slack: Workspace, message: Message) -> dict[str, Any]:
    """The message as the Web API and the payloads show it."""
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
