"""The HTTP endpoint that Slack calls. Requests without a valid signature are rejected before they are parsed.

The signature is checked here, over the exact bytes, because Bolt answers a broken signature with an error of its own
and logs what it could not verify. The clock is the real one: a signature is at most five minutes old, whatever the
business clock says.
"""

from __future__ import annotations

import hmac
import re
import time
from collections.abc import Sequence
from http import HTTPStatus

import structlog
from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response
from slack_bolt.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from yarl import URL

from bot.process.connections import Phase, mark_proven
from bot.settings import SLACK_PATH
from bot.slack.context.slack_transport import Receiver
from bot.slack.transport.signature import note_request, signature

log = structlog.get_logger()

PATH = SLACK_PATH
MAX_BODY = 2 * 1024 * 1024  # a view of 250 KB comes back inside a form, where each of its quotes takes three bytes
MAX_AGE = 300  # seconds
FORM = "application/x-www-form-urlencoded"
_TIMESTAMP = re.compile(r"[0-9]{1,12}")


class SlackEndpoint:
    def __init__(self, app: AsyncApp, signing_secret: str, receiver: Receiver) -> None:
        self._app, self._secret, self._receiver = app, signing_secret.encode(), receiver

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Headers are checked first, so that no body is read for a request that they already rule out."""
        timestamp = request.headers.get("X-Slack-Request-Timestamp", "")
        if not _is_recent(timestamp):
            return self._reject()
        try:
            body = await request.clone(client_max_size=MAX_BODY).read()
        except (web.RequestPayloadError, ConnectionResetError):
            return web.Response(status=400, text="The body ends too early.")
        if not hmac.compare_digest(signature(self._secret, timestamp, body).encode(), _given_signature(request)):
            return self._reject()
        mark_proven(request, Phase.SLACK)
        note_request(timestamp, request.headers.get("Host", ""))
        with self._receiver.clicks.in_progress():
            return await self._dispatch(request, body)

    def _reject(self) -> web.Response:
        self._receiver.metrics.unauthenticated.inc()
        return web.Response(status=401, text="This is not signed by Slack.")

    async def _dispatch(self, request: web.Request, body: bytes) -> web.StreamResponse:
        """Listeners let no exception escape: one that arrives here is Bolt's, caused by a malformed payload."""
        try:
            bolt_request = _bolt_request(request, body.decode())
            answer = await self._app.async_dispatch(bolt_request)
        except Exception as fault:  # noqa: BLE001 - the body caused it, whatever it is
            return _unreadable(type(fault).__name__)
        if answer.status == HTTPStatus.INTERNAL_SERVER_ERROR:
            return _unreadable("Bolt cannot tell what it is")
        if bolt_request.body.get("type") == "url_verification":
            self._receiver.transport.request_served()  # Bolt answers this one without a listener
        return await to_aiohttp_response(answer)


def _bolt_request(request: web.Request, body: str) -> AsyncBoltRequest:
    """A click is JSON inside a form, with each quote escaped. yarl decodes it 50 times as fast as Bolt."""
    headers: dict[str, str | Sequence[str]] = dict(request.headers)
    payload = URL.build(query_string=body, encoded=True).query.get("payload") if request.content_type == FORM else None
    if payload is not None:
        body, headers = payload, headers | {"Content-Type": "application/json"}
    return AsyncBoltRequest(body=body, query=request.query_string, headers=headers)


def _is_recent(timestamp: str) -> bool:
    return bool(_TIMESTAMP.fullmatch(timestamp)) and abs(time.time() - int(timestamp)) <= MAX_AGE


def _unreadable(error: str) -> web.Response:
    log.warning("slack.unreadable", error=error)
    return web.Response(status=400, text="This cannot be read.")


def _given_signature(request: web.Request) -> bytes:
    """As bytes, because a header may hold bytes that are not text."""
    return request.headers.get("X-Slack-Signature", "").encode(errors="surrogateescape")
