"""The Web API: check the token, the rate and the scopes, then run the method.

The methods are in one module for each family; `METHODS` joins them. An unknown method is an error of Slack as well.
"""

from __future__ import annotations

from typing import Any

from aiohttp import web

from playground.api import (
    blocks_methods,
    chat_methods,
    conversations_methods,
    socket_mode,
    users_methods,
    views_methods,
)
from playground.api.api_call import ApiCall, Method
from playground.api.replies import Arguments, Reply, rate_limited, serve
from playground.model.ids import secret
from playground.model.refusals import RefusedError
from playground.model.workspace import Workspace

METHODS: dict[str, Method] = {
    **users_methods.METHODS,
    **conversations_methods.METHODS,
    **chat_methods.METHODS,
    **views_methods.METHODS,
    **blocks_methods.METHODS,
    **socket_mode.METHODS,
}


def web_api_handler(slack: Workspace) -> Any:
    async def handle(request: web.Request) -> web.StreamResponse:
        name, header = request.match_info["method"], request.headers.get("Authorization", "")

        def run(arguments: Arguments) -> Reply:
            return _answer(slack, name, header.removeprefix("Bearer ").strip(), arguments)

        return await serve(slack, request, name, run)

    return handle


def _answer(slack: Workspace, name: str, token: str, arguments: Arguments) -> Reply:
    used_token = token or str(arguments.get("token") or "")
    call = ApiCall(slack, {key: value for key, value in arguments.items() if key != "token"})
    method = METHODS.get(name)
    if method is None:
        return Reply(RefusedError("unknown_method", req_method=name).answer())
    try:
        if not method.public:
            _authorize(slack, method, used_token)
    except RefusedError as refused:
        return Reply(refused.answer())
    return _run(call, name, method)


def _run(call: ApiCall, name: str, method: Method) -> Reply:
    slack, headers = call.slack, _headers(call.slack, method)
    channel = chat_methods.channel_for(call)
    wait = slack.rates.wait(name, method.tier, channel, slack.clock()) if slack.rates else 0
    if wait:
        return rate_limited(wait)
    try:
        if method.scopes and not method.app_level:
            call.need(*method.scopes)
        return Reply({"ok": True, **method.answer(call)}, headers=headers)
    except RefusedError as refused:
        return Reply(refused.answer(), headers=headers)


def _authorize(slack: Workspace, method: Method, token: str) -> None:
    if not token:
        raise RefusedError("not_authed")
    if token not in (slack.bot_token, slack.app_token):
        raise RefusedError("invalid_auth")
    if slack.token_error:
        raise RefusedError(slack.token_error)
    if method.app_level != (token == slack.app_token):
        raise RefusedError("not_allowed_token_type")


def _headers(slack: Workspace, method: Method) -> dict[str, str]:
    scopes = slack.app_scopes if method.app_level else slack.scopes
    return {
        "x-oauth-scopes": ",".join(sorted(scopes)),
        "x-accepted-oauth-scopes": ",".join(method.scopes),
        "x-slack-req-id": secret(),
    }
