"""chat.*: post, update and delete messages.

`METHODS` gives each method its rate tier and its scopes, which `web_api` checks before it runs the method. A refusal is
a `RefusedError` with Slack's error code. `posting` does what the methods have in common.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from playground.api.api_call import Answer, ApiCall, Method
from playground.api.posting import Content, Place, change_message, message_json, post
from playground.model.channels import Channel
from playground.model.messages import Message
from playground.model.refusals import RefusedError

MAX_SHORT_TEXT = 4_000  # characters of an update's text, or bytes of a private note's
CUSTOM_AUTHOR = ("username", "icon_emoji", "icon_url")


def content_of(call: ApiCall) -> Content:
    text, metadata = call.arguments.get("text"), call.parse("metadata", "invalid_metadata_format")
    if metadata is not None and not isinstance(metadata, Mapping):
        raise RefusedError("invalid_metadata_format")
    return Content(
        text=None if text is None else str(text),
        blocks=_list(call, "blocks", "invalid_blocks_format"),
        attachments=_list(call, "attachments", "invalid_attachments"),
        metadata=metadata,
    )


def _list(call: ApiCall, name: str, error: str) -> list[Any] | None:
    items = call.parse(name, error)
    if items is not None and not isinstance(items, list):
        raise RefusedError(error)
    return items


def channel_for(call: ApiCall) -> str:
    """The id of the target channel. Rates are counted by it before anything else is checked."""
    target = call.text("channel")
    return f"D{target}" if target in call.slack.people else target


def post_message(call: ApiCall) -> Answer:
    if any(call.text(option) for option in CUSTOM_AUTHOR):
        call.need("chat:write.customize")
    channel = _postable(call, _destination(call))
    place = Place(
        channel=channel,
        thread_ts=call.text("thread_ts") or None,
        broadcast=call.flag("reply_broadcast"),
        unfurl_links=call.flag("unfurl_links", default=True),
        unfurl_media=call.flag("unfurl_media", default=True),
    )
    message = post(call.slack, place, content_of(call).validate())
    return {"channel": channel.id, "ts": message.ts, "message": message_json(call.slack, message)}


def _destination(call: ApiCall) -> Channel:
    target, slack = call.text("channel"), call.slack
    if target in slack.people:
        return _direct_channel(call, target)
    channel_id = next((channel.id for channel in slack.channels.values() if f"#{channel.name}" == target), target)
    channel = slack.readable(channel_id)
    if channel is None:
        raise RefusedError("channel_not_found")
    return channel


def _direct_channel(call: ApiCall, user: str) -> Channel:
    person = call.slack.people[user]
    if person.deleted or person.stranger or user == call.slack.bot_user:
        raise RefusedError("channel_not_found")
    if person.bot:
        raise RefusedError("cannot_dm_bot")
    if not call.slack.messages_tab_enabled:
        raise RefusedError("messages_tab_disabled")
    return call.slack.direct(user)


def _postable(call: ApiCall, channel: Channel) -> Channel:
    if channel.archived:
        raise RefusedError("is_archived")
    if not channel.bot_in and "chat:write.public" not in call.slack.scopes:
        raise RefusedError("not_in_channel")
    return channel


def post_ephemeral(call: ApiCall) -> Answer:
    """Shown only if the person is online and, in a thread, if someone has replied. Otherwise dropped silently."""
    slack, user, content = call.slack, call.text("user"), content_of(call)
    channel = slack.readable(call.text("channel"))
    if channel is None:
        raise RefusedError("channel_not_found")
    _postable(call, channel)
    if user not in channel.members:
        raise RefusedError("user_not_in_channel")
    if any("blocks" in attachment for attachment in content.attachments or ()):
        raise RefusedError("invalid_attachments")
    if len((content.text or "").encode()) > MAX_SHORT_TEXT:
        raise RefusedError("msg_too_long")
    content = Content(text=content.text, blocks=content.blocks, attachments=content.attachments).validate()
    thread = call.text("thread_ts")
    if not slack.people[user].online or (thread and not slack.messages.thread(channel.id, thread)):
        return {"message_ts": slack.ids.ts()}
    return {"message_ts": post(slack, Place(channel=channel, thread_ts=thread or None, seen_by=user), content).ts}


def update_message(call: ApiCall) -> Answer:
    slack, content = call.slack, content_of(call)
    message = _own_message(call, "cant_update_message")
    if len(content.text or "") > MAX_SHORT_TEXT:
        raise RefusedError("msg_too_long")
    changed = change_message(slack, message, content.validate(update=True))
    answer = {"channel": message.channel, "ts": message.ts, "text": changed.text}
    return answer | {"message": message_json(slack, changed)}


def delete_message(call: ApiCall) -> Answer:
    message = _own_message(call, "cant_delete_message")
    call.slack.messages.delete(message)
    return {"channel": message.channel, "ts": message.ts}


def _own_message(call: ApiCall, error_if_foreign: str) -> Message:
    """A message that the app posted, in a channel given by its id. A person's id is not accepted."""
    channel = call.slack.readable(call.text("channel"))
    if channel is None:
        raise RefusedError("channel_not_found")
    message = call.slack.messages.find(channel.id, call.text("ts"))
    if message is None or message.seen_by:
        raise RefusedError("message_not_found")
    if not message.by_app:
        raise RefusedError(error_if_foreign)
    if channel.archived:
        raise RefusedError("is_inactive")
    return message


def get_permalink(call: ApiCall) -> Answer:
    slack, ts = call.slack, call.text("message_ts")
    channel = slack.readable(call.text("channel"))
    if channel is None:
        raise RefusedError("channel_not_found")
    if slack.messages.find(channel.id, ts) is None:
        raise RefusedError("message_not_found")
    link = f"https://{slack.domain}.slack.com/archives/{channel.id}/p{ts.replace('.', '')}"
    return {"channel": channel.id, "permalink": link}


METHODS = {
    "chat.postMessage": Method(post_message, "post", ("chat:write",)),
    "chat.postEphemeral": Method(post_ephemeral, "T4", ("chat:write",)),
    "chat.update": Method(update_message, "T3", ("chat:write",)),
    "chat.delete": Method(delete_message, "T3", ("chat:write",)),
    "chat.getPermalink": Method(get_permalink, "special"),
}
