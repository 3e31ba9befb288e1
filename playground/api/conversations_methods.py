"""conversations.*: the channels and their members."""

from __future__ import annotations

from playground.api.api_call import Answer, ApiCall, Method
from playground.model.channels import READ_SCOPES, Channel
from playground.model.refusals import RefusedError

READ = tuple(READ_SCOPES.values())


def _channel(call: ApiCall) -> Channel:
    channel = call.slack.readable(call.text("channel"))
    if channel is None:
        raise RefusedError("channel_not_found")
    call.need(channel.read_scope)
    return channel


def channel_info(call: ApiCall) -> Answer:
    channel = _channel(call)
    count = {"num_members": len(channel.members)} if call.flag("include_num_members") else {}
    return {"channel": channel.api_json(call.slack.team_id) | count}


def list_channels(call: ApiCall) -> Answer:
    kinds = [kind.strip() for kind in call.text("types", "public_channel").split(",")]
    if not READ_SCOPES.keys() >= set(kinds):
        raise RefusedError("invalid_types")
    for kind in kinds:
        call.need(READ_SCOPES[kind])
    channels = [
        channel for channel in call.slack.channels.values() if channel.kind in kinds and call.slack.readable(channel.id)
    ]
    if call.flag("exclude_archived"):
        channels = [channel for channel in channels if not channel.archived]
    page, metadata = call.page(channels, default=100)
    return {"channels": [channel.api_json(call.slack.team_id) for channel in page], "response_metadata": metadata}


def list_members(call: ApiCall) -> Answer:
    channel, slack = _channel(call), call.slack
    bot = [slack.bot_user] if channel.bot_in and slack.bot_user not in channel.members else []
    page, metadata = call.page([*channel.members, *bot], default=100)
    return {"members": page, "response_metadata": metadata}


def open_direct(call: ApiCall) -> Answer:
    users = [user for user in call.text("users").split(",") if user]
    if not users:
        raise RefusedError("users_list_not_supplied")
    if len(users) > 1:
        # The service shows nothing in group direct messages.
        call.need("mpim:write")
        raise RefusedError("method_not_supported_for_channel_type")
    return {"channel": {"id": _direct(call, users[0]).id}}


def _direct(call: ApiCall, user: str) -> Channel:
    person = call.slack.people.get(user)
    if person is None:
        raise RefusedError("user_not_found")
    if person.deleted:
        raise RefusedError("user_disabled")
    if person.bot:
        raise RefusedError("cannot_dm_bot")
    return call.slack.direct(user)


METHODS = {
    "conversations.info": Method(channel_info, "T3", READ),
    "conversations.list": Method(list_channels, "T2", READ),
    "conversations.members": Method(list_members, "T4", READ),
    "conversations.open": Method(open_direct, "T3", ("im:write", "mpim:write")),
}
