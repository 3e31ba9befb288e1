"""The one address to which Slack sends everything. Nobody else gets past it: what is not signed is not even read.

Bolt answers a broken signature with a fault of its own, and writes what it could not verify into its log; so we look
first. Time here is the real one: a signature is five minutes old at most, whatever the business clock says.
"""

from __future__ import annotations

import re

import structlog
from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response
from slack_bolt.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk.signature import SignatureVerifier

log = structlog.get_logger()

PATH = "/slack/events"
MAX_BODY = 2 * 1024 * 1024  # a view of 250 KB comes back inside a form, where each of its quotes takes three bytes
_TIMESTAMP = re.compile(r"[0-9]{1,12}")
_SIGNATURE = re.compile(r"v0=[0-9a-f]{64}")


class Door:
    def __init__(self, app: AsyncApp, signing_secret: str) -> None:
        self._app, self._verifier = app, SignatureVerifier(signing_secret)

    async def enter(self, request: web.Request) -> web.StreamResponse:
        body = await request.clone(client_max_size=MAX_BODY).read()
        if not self._is_from_slack(request, body):
            log.warning("slack.unsigned", remote=request.remote)
            return web.Response(status=401, text="This is not signed by Slack.")
        try:
            asked = AsyncBoltRequest(body=body.decode(), query=request.query_string, headers=dict(request.headers))
        except ValueError:
            return web.Response(status=400, text="This cannot be read.")
        return await to_aiohttp_response(await self._app.async_dispatch(asked))

    def _is_from_slack(self, request: web.Request, body: bytes) -> bool:
        timestamp = request.headers.get("X-Slack-Request-Timestamp", "")
        signature = request.headers.get("X-Slack-Signature", "")
        if not (_TIMESTAMP.fullmatch(timestamp) and _SIGNATURE.fullmatch(signature)):
            return False
        return self._verifier.is_valid(body, timestamp, signature)
