"""chat.*: posting, changing and deleting."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from playground.api.asked import Answer, Asked, Method
from playground.api.posting import Content, Place, change, post, shape
from playground.model.channels import Channel
from playground.model.messages import Message
from playground.model.refusals import RefusedError

UPDATE = 4_000
CUSTOM = ("username", "icon_emoji", "icon_url")


def content_of(asked: Asked) -> Content:
    text, metadata = asked.arguments.get("text"), asked.parsed("metadata", "invalid_metadata_format")
    if metadata is not None and not isinstance(metadata, Mapping):
        raise RefusedError("invalid_metadata_format")
    return Content(
        text=None if text is None else str(text),
        blocks=_list(asked, "blocks", "invalid_blocks_format"),
        attachments=_list(asked, "attachments", "invalid_attachments"),
        metadata=metadata,
    )


def _list(asked: Asked, name: str, error: str) -> list[Any] | None:
    given = asked.parsed(name, error)
    if given is not None and not isinstance(given, list):
        raise RefusedError(error)
    return given


def channel_for(asked: Asked) -> str:
    """The id of the channel that is posted to: rates count by it, before anything else is looked at."""
    given = asked.text("channel")
    return f"D{given}" if given in asked.slack.people else given


def post_message(asked: Asked) -> Answer:
    if any(asked.text(each) for each in CUSTOM):
        asked.need("chat:write.customize")
    channel = _postable(asked, _destination(asked))
    place = Place(
        channel=channel,
        thread_ts=asked.text("thread_ts") or None,
        broadcast=asked.flag("reply_broadcast"),
        unfurl_links=asked.flag("unfurl_links", default=True),
        unfurl_media=asked.flag("unfurl_media", default=True),
    )
    message = post(asked.slack, place, content_of(asked).checked())
    return {"channel": channel.id, "ts": message.ts, "message": shape(asked.slack, message)}


def _destination(asked: Asked) -> Channel:
    given, slack = asked.text("channel"), asked.slack
    if given in slack.people:
        return _direct(asked, given)
    by_name = next((each.id for each in slack.channels.values() if f"#{each.name}" == given), given)
    channel = slack.readable(by_name)
    if channel is None:
        raise RefusedError("channel_not_found")
    return channel


def _direct(asked: Asked, user: str) -> Channel:
    person = asked.slack.people[user]
    if person.deleted or person.stranger or user == asked.slack.bot_user:
        raise RefusedError("channel_not_found")
    if person.bot:
        raise RefusedError("cannot_dm_bot")
    if not asked.slack.messages_tab_enabled:
        raise RefusedError("messages_tab_disabled")
    return asked.slack.direct(user)


def _postable(asked: Asked, channel: Channel) -> Channel:
    if channel.archived:
        raise RefusedError("is_archived")
    if not channel.bot_in and "chat:write.public" not in asked.slack.scopes:
        raise RefusedError("not_in_channel")
    return channel


def post_ephemeral(asked: Asked) -> Answer:
    """Shown to who is there, and in a thread only if somebody has replied. That it was not shown, nobody is told."""
    slack, user, content = asked.slack, asked.text("user"), content_of(asked)
    channel = slack.readable(asked.text("channel"))
    if channel is None:
        raise RefusedError("channel_not_found")
    _postable(asked, channel)
    if user not in channel.members:
        raise RefusedError("user_not_in_channel")
    if any("blocks" in each for each in content.attachments or ()):
        raise RefusedError("invalid_attachments")
    if len((content.text or "").encode()) > UPDATE:
        raise RefusedError("msg_too_long")
    content = Content(text=content.text, blocks=content.blocks, attachments=content.attachments).checked()
    thread = asked.text("thread_ts")
    if not slack.people[user].online or (thread and not slack.messages.thread(channel.id, thread)):
        return {"message_ts": slack.mint.ts()}
    return {"message_ts": post(slack, Place(channel=channel, thread_ts=thread or None, seen_by=user), content).ts}


def update(asked: Asked) -> Answer:
    slack, content = asked.slack, content_of(asked)
    message = _own(asked, "is_inactive", "cant_update_message")
    if len(content.text or "") > UPDATE:
        raise RefusedError("msg_too_long")
    changed = change(slack, message, content.checked(update=True))
    answer = {"channel": message.channel, "ts": message.ts, "text": changed.text}
    return answer | {"message": shape(slack, changed)}


def delete(asked: Asked) -> Answer:
    message = _own(asked, "is_inactive", "cant_delete_message")
    asked.slack.messages.delete(message)
    return {"channel": message.channel, "ts": message.ts}


def _own(asked: Asked, archived: str, foreign: str) -> Message:
    """A message of the app's own, in a channel that is named by its id: a person's id is none."""
    channel = asked.slack.readable(asked.text("channel"))
    if channel is None:
        raise RefusedError("channel_not_found")
    message = asked.slack.messages.find(channel.id, asked.text("ts"))
    if message is None or message.seen_by:
        raise RefusedError("message_not_found")
    if not message.by_app:
        raise RefusedError(foreign)
    if channel.archived:
        raise RefusedError(archived)
    return message


def get_permalink(asked: Asked) -> Answer:
    slack, ts = asked.slack, asked.text("message_ts")
    channel = slack.readable(asked.text("channel"))
    if channel is None:
        raise RefusedError("channel_not_found")
    if slack.messages.find(channel.id, ts) is None:
        raise RefusedError("message_not_found")
    link = f"https://{slack.domain}.slack.com/archives/{channel.id}/p{ts.replace('.', '')}"
    return {"channel": channel.id, "permalink": link}


METHODS = {
    "chat.postMessage": Method(post_message, "post", ("chat:write",)),
    "chat.postEphemeral": Method(post_ephemeral, "T4", ("chat:write",)),
    "chat.update": Method(update, "T3", ("chat:write",)),
    "chat.delete": Method(delete, "T3", ("chat:write",)),
    "chat.getPermalink": Method(get_permalink, "special"),
}
