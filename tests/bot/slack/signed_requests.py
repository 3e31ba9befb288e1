"""Requests to the service's Slack endpoint, signed correctly or not."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Mapping

from playground.client.delivery import FORM
from tests.bot.service import Response
from tests.bot.slack.office import SECRET, Office

EVENTS_PATH, JSON = "/slack/events", "application/json"
Headers = Mapping[str, str]


def signature(body: bytes, timestamp: str, secret: str = SECRET) -> str:
    return "v0=" + hmac.new(secret.encode(), b"v0:" + timestamp.encode() + b":" + body, hashlib.sha256).hexdigest()


def sign(body: bytes, timestamp: str | None = None) -> dict[str, str]:
    """Headers with Slack's signature, for any timestamp."""
    stamp = str(int(time.time())) if timestamp is None else timestamp
    return {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": signature(body, stamp)}


async def send(office: Office, body: bytes, headers: Headers, kind: str = FORM) -> Response:
    async with office.http.post(EVENTS_PATH, data=body, headers={"Content-Type": kind, **headers}) as answer:
        return Response(answer.status, answer.headers, await answer.text())


async def send_signed(office: Office, body: str | bytes, kind: str = FORM) -> Response:
    """Send the body with a valid signature."""
    raw = body if isinstance(body, bytes) else body.encode()
    return await send(office, raw, sign(raw), kind)
