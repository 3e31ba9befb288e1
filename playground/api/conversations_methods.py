"""conversations.*: which channels there are, and who is in them."""

from __future__ import annotations

from playground.api.asked import Answer, Asked, Method
from playground.model.channels import READ_SCOPES, Channel
from playground.model.refusals import RefusedError

READ = tuple(READ_SCOPES.values())


def _channel(asked: Asked) -> Channel:
    channel = asked.slack.readable(asked.text("channel"))
    if channel is None:
        raise RefusedError("channel_not_found")
    asked.need(channel.read_scope)
    return channel


def info(asked: Asked) -> Answer:
    channel = _channel(asked)
    count = {"num_members": len(channel.members)} if asked.flag("include_num_members") else {}
    return {"channel": channel.shown(asked.slack.team_id) | count}


def listed(asked: Asked) -> Answer:
    kinds = [each.strip() for each in asked.text("types", "public_channel").split(",")]
    if not READ_SCOPES.keys() >= set(kinds):
        raise RefusedError("invalid_types")
    for kind in kinds:
        asked.need(READ_SCOPES[kind])
    channels = [each for each in asked.slack.channels.values() if each.kind in kinds and asked.slack.readable(each.id)]
    if asked.flag("exclude_archived"):
        channels = [each for each in channels if not each.archived]
    page, metadata = asked.page(channels, default=100)
    return {"channels": [each.shown(asked.slack.team_id) for each in page], "response_metadata": metadata}


def members(asked: Asked) -> Answer:
    channel, slack = _channel(asked), asked.slack
    bot = [slack.bot_user] if channel.bot_in and slack.bot_user not in channel.members else []
    page, metadata = asked.page([*channel.members, *bot], default=100)
    return {"members": page, "response_metadata": metadata}


def opened(asked: Asked) -> Answer:
    users = [each for each in asked.text("users").split(",") if each]
    if not users:
        raise RefusedError("users_list_not_supplied")
    if len(users) > 1:
        # Group direct messages are no place in which the service shows anything.
        asked.need("mpim:write")
        raise RefusedError("method_not_supported_for_channel_type")
    return {"channel": {"id": _direct(asked, users[0]).id}}


def _direct(asked: Asked, user: str) -> Channel:
    person = asked.slack.people.get(user)
    if person is None:
        raise RefusedError("user_not_found")
    if person.deleted:
        raise RefusedError("user_disabled")
    if person.bot:
        raise RefusedError("cannot_dm_bot")
    return asked.slack.direct(user)


METHODS = {
    "conversations.info": Method(info, "T3", READ),
    "conversations.list": Method(listed, "T2", READ),
    "conversations.members": Method(members, "T4", READ),
    "conversations.open": Method(opened, "T3", ("im:write", "mpim:write")),
}
