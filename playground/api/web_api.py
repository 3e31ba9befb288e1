"""The Web API: who calls, with which scopes, how often; then the method."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from playground.api import chat_methods, conversations_methods, socket_mode, users_methods, views_methods
from playground.api.asked import Asked, Method
from playground.api.replies import Arguments, Reply, limited, served
from playground.model.ids import secret
from playground.model.refusals import RefusedError
from playground.model.workspace import Workspace

METHODS: dict[str, Method] = {
    **users_methods.METHODS,
    **conversations_methods.METHODS,
    **chat_methods.METHODS,
    **views_methods.METHODS,
    **socket_mode.METHODS,
}


def handler(slack: Workspace) -> Any:
    async def call(request: web.Request) -> web.StreamResponse:
        name, header = request.match_info["method"], request.headers.get("Authorization", "")

        def run(arguments: Arguments) -> Reply:
            return _answered(slack, name, header.removeprefix("Bearer ").strip(), arguments)

        return await served(slack, request, name, run)

    return call


def _answered(slack: Workspace, name: str, token: str, arguments: Arguments) -> Reply:
    given = token or str(arguments.get("token") or "")
    asked = Asked(slack, {key: value for key, value in arguments.items() if key != "token"})
    method = METHODS.get(name)
    if method is None:
        return Reply(RefusedError("unknown_method", req_method=name).answer())
    try:
        _authorize(slack, method, given)
    except RefusedError as refused:
        return Reply(refused.answer())
    return _authorized(asked, name, method)


def _authorized(asked: Asked, name: str, method: Method) -> Reply:
    slack, headers = asked.slack, _headers(asked.slack, method)
    channel = chat_methods.channel_for(asked)
    wait = slack.rates.wait(name, method.tier, channel, slack.clock()) if slack.rates else 0
    if wait:
        return limited(wait)
    try:
        if method.scopes and not method.app_level:
            asked.need(*method.scopes)
        return Reply({"ok": True, **method.answer(asked)}, headers=headers)
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
