"""The one address to which Slack sends everything. Nobody else gets past it: what is not signed is not even read.

Bolt answers a broken signature with a fault of its own, and writes what it could not verify into its log; so we look
first, at the exact bytes. Time here is the real one: a signature is five minutes old at most, whatever the business
clock says.
"""

from __future__ import annotations

import hmac
import re
import time
from http import HTTPStatus

import structlog
from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response
from slack_bolt.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest

from bot.process.connections import Phase, proven
from bot.settings import SLACK_PATH
from bot.slack.context.front import Front
from bot.slack.transport.signature import is_served, signature

log = structlog.get_logger()

PATH = SLACK_PATH
MAX_BODY = 2 * 1024 * 1024  # a view of 250 KB comes back inside a form, where each of its quotes takes three bytes
MAX_AGE = 300
_TIMESTAMP = re.compile(r"[0-9]{1,12}")


class Door:
    def __init__(self, app: AsyncApp, signing_secret: str, front: Front) -> None:
        self._app, self._secret, self._front = app, signing_secret.encode(), front

    async def enter(self, request: web.Request) -> web.StreamResponse:
        """The headers first: for what they rule out, no body is read."""
        timestamp = request.headers.get("X-Slack-Request-Timestamp", "")
        if not _is_of_now(timestamp):
            return self._turned_away()
        try:
            body = await request.clone(client_max_size=MAX_BODY).read()
        except (web.RequestPayloadError, ConnectionResetError):
            return web.Response(status=400, text="The body ends too early.")
        if not hmac.compare_digest(signature(self._secret, timestamp, body).encode(), _signature(request)):
            return self._turned_away()
        proven(request, Phase.SLACK)
        is_served(timestamp, request.headers.get("Host", ""))
        with self._front.clicks.taken():
            return await self._let_in(request, body)

    def _turned_away(self) -> web.Response:
        self._front.metrics.unauthenticated.inc()
        return web.Response(status=401, text="This is not signed by Slack.")

    async def _let_in(self, request: web.Request, body: bytes) -> web.StreamResponse:
        """No listener of ours lets anything escape: what fails is Bolt, over what is not as Slack sends it."""
        try:
            asked = AsyncBoltRequest(body=body.decode(), query=request.query_string, headers=dict(request.headers))
            answer = await self._app.async_dispatch(asked)
        except Exception as fault:  # noqa: BLE001 - whatever it was, it came with the body
            return _unreadable(type(fault).__name__)
        if answer.status == HTTPStatus.INTERNAL_SERVER_ERROR:
            return _unreadable("Bolt cannot tell what it is")
        if asked.body.get("type") == "url_verification":
            self._front.way_in.heard()  # Bolt answers this one by itself
        return await to_aiohttp_response(answer)


def _is_of_now(timestamp: str) -> bool:
    return bool(_TIMESTAMP.fullmatch(timestamp)) and abs(time.time() - int(timestamp)) <= MAX_AGE


def _unreadable(error: str) -> web.Response:
    log.warning("slack.unreadable", error=error)
    return web.Response(status=400, text="This cannot be read.")


def _signature(request: web.Request) -> bytes:
    """As bytes: a header may hold what is not even text."""
    return request.headers.get("X-Slack-Signature", "").encode(errors="surrogateescape")
