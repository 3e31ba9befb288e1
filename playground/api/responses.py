"""What is posted to a response_url: a note to one, a message for all, or another word in the original's place."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from aiohttp import web

from playground.api.asked import Asked
from playground.api.chat_methods import content_of
from playground.api.posting import Place, change, post
from playground.api.replies import Arguments, Reply, limited, served
from playground.model.channels import Channel
from playground.model.messages import Message
from playground.model.refusals import RefusedError
from playground.model.response_urls import ResponseUrl
from playground.model.workspace import Workspace

# The limit on the words of all blocks together is one of chat.postMessage alone.
SPARED = ("msg_blocks_too_long",)
GONE = frozenset({"used_url", "expired_url", "no_service", "message_not_found", "channel_not_found"})
METHOD = "response_url"


def handler(slack: Workspace) -> Any:
    async def respond(request: web.Request) -> web.StreamResponse:
        def run(arguments: Arguments) -> Reply:
            return _answered(Asked(slack, arguments), request.match_info["key"])

        return await served(slack, request, METHOD, run)

    return respond


def _answered(asked: Asked, key: str) -> Reply:
    try:
        url = asked.slack.response_urls.find(key)
        wait = _wait(asked, url)
        if wait:
            return limited(wait)
        respond(asked, url)
    except RefusedError as refused:
        status = HTTPStatus.NOT_FOUND if refused.error in GONE else HTTPStatus.BAD_REQUEST
        return Reply(refused.answer(), status)
    url.uses += 1
    return Reply({"ok": True})


def _wait(asked: Asked, url: ResponseUrl) -> int:
    """What it adds to a channel counts like any other post; what it changes does not, as far as is known."""
    slack = asked.slack
    if not slack.rates or not _public(asked) or asked.flag("replace_original") or asked.flag("delete_original"):
        return 0
    return slack.rates.wait(METHOD, "post", url.channel, slack.clock())


def _public(asked: Asked) -> bool:
    return asked.text("response_type", "ephemeral") == "in_channel"


def respond(asked: Asked, url: ResponseUrl) -> Message | None:
    """Also the way of a command's answer, which came with its acknowledgement."""
    original = asked.slack.messages.find(url.channel, url.ts) if url.ts else None
    if asked.flag("delete_original"):
        asked.slack.messages.delete(_there(original))
        return None
    content = content_of(asked).checked(spared=SPARED)
    if asked.flag("replace_original") and url.ts:
        return change(asked.slack, _there(original), content)
    place = _place(asked, url)
    if place.seen_by and not asked.slack.people[url.user].online:
        return None
    message = post(asked.slack, place, content)
    # A command has no original; its first answer becomes it, in that a later one may replace it.
    url.ts = url.ts or message.ts
    return message


def _there(original: Message | None) -> Message:
    if original is None:
        raise RefusedError("message_not_found")
    return original


def _place(asked: Asked, url: ResponseUrl) -> Place:
    seen_by = None if _public(asked) else url.user
    return Place(
        channel=_channel(asked.slack, url),
        thread_ts=asked.text("thread_ts") or url.thread_ts,
        seen_by=seen_by,
        unfurl_links=asked.flag("unfurl_links", default=True),
        unfurl_media=asked.flag("unfurl_media", default=True),
    )


def _channel(slack: Workspace, url: ResponseUrl) -> Channel:
    """The app need not be in it: it was asked there."""
    channel = slack.channels.get(url.channel)
    if channel is None:
        raise RefusedError("channel_not_found")
    if channel.archived:
        raise RefusedError("is_archived")
    return channel
