"""Posts to a response_url: a private note, a public message, or a replacement of the original.

As in Slack, an address can be used five times within half an hour (`ResponseUrls`). An app can also answer a command in
its acknowledgement; `respond` handles that too.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from aiohttp import web

from playground.api.api_call import ApiCall
from playground.api.chat_methods import content_of
from playground.api.posting import Place, change_message, post
from playground.api.replies import Arguments, Reply, rate_limited, serve
from playground.model.channels import Channel
from playground.model.messages import Message
from playground.model.refusals import RefusedError
from playground.model.response_urls import ResponseUrl
from playground.model.workspace import Workspace

# Only chat.postMessage limits the text of all blocks together.
IGNORED_ERRORS = ("msg_blocks_too_long",)
GONE = frozenset({"used_url", "expired_url", "no_service", "message_not_found", "channel_not_found"})
METHOD = "response_url"


def response_url_handler(slack: Workspace) -> Any:
    async def handle(request: web.Request) -> web.StreamResponse:
        def run(arguments: Arguments) -> Reply:
            return _answer(ApiCall(slack, arguments), request.match_info["key"])

        return await serve(slack, request, METHOD, run)

    return handle


def _answer(call: ApiCall, key: str) -> Reply:
    try:
        url = call.slack.response_urls.find(key)
        wait = _wait(call, url)
        if wait:
            return rate_limited(wait)
        respond(call, url)
    except RefusedError as refused:
        status = HTTPStatus.NOT_FOUND if refused.error in GONE else HTTPStatus.BAD_REQUEST
        return Reply(refused.answer(), status)
    url.uses += 1
    return Reply({"ok": True})


def _wait(call: ApiCall, url: ResponseUrl) -> int:
    """Only public posts count against the channel's rate. Private notes and changes do not, as far as is known."""
    slack = call.slack
    if not slack.rates or not _public(call) or call.flag("replace_original") or call.flag("delete_original"):
        return 0
    return slack.rates.wait(METHOD, "post", url.channel, slack.clock())


def _public(call: ApiCall) -> bool:
    return call.text("response_type", "ephemeral") == "in_channel"


def respond(call: ApiCall, url: ResponseUrl) -> Message | None:
    """Delete or replace the original, or post a new message. None if nothing is shown."""
    original = call.slack.messages.find(url.channel, url.ts) if url.ts else None
    if call.flag("delete_original"):
        call.slack.messages.delete(_require(original))
        return None
    content = content_of(call).validate(ignored_errors=IGNORED_ERRORS)
    if call.flag("replace_original") and url.ts:
        return change_message(call.slack, _require(original), content)
    place = _place(call, url)
    # Slack silently drops a private note to someone who is offline.
    if place.seen_by and not call.slack.people[url.user].online:
        return None
    message = post(call.slack, place, content)
    # A command has no original: its first answer becomes one, so that a later answer can replace it.
    url.ts = url.ts or message.ts
    return message


def _require(original: Message | None) -> Message:
    if original is None:
        raise RefusedError("message_not_found")
    return original


def _place(call: ApiCall, url: ResponseUrl) -> Place:
    seen_by = None if _public(call) else url.user
    return Place(
        channel=_channel(call.slack, url),
        thread_ts=call.text("thread_ts") or url.thread_ts,
        seen_by=seen_by,
        unfurl_links=call.flag("unfurl_links", default=True),
        unfurl_media=call.flag("unfurl_media", default=True),
    )


def _channel(slack: Workspace, url: ResponseUrl) -> Channel:
    """The app need not be a member: the click or command came from there."""
    channel = slack.channels.get(url.channel)
    if channel is None:
        raise RefusedError("channel_not_found")
    if channel.archived:
        raise RefusedError("is_archived")
    return channel
