"""Sends requests to the app: signed, over HTTP or a socket, and given up after three seconds.

As long as a socket is open, the request URL is not used. An app that does not answer in time is an `Ack` with an error,
which the person sees; `Client` can send the same request again, as Slack does.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Literal
from urllib.parse import urlencode

import aiohttp

from playground.api.socket_mode import Sockets
from playground.client.signing import signature_headers
from playground.model.workspace import ACK_WITHIN

Kind = Literal["interactive", "slash_commands", "events_api"]
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class AppRequest:
    """One request to the app. The same request may be sent twice."""

    kind: Kind
    payload: Mapping[str, Any]
    retry: int = 0
    reason: str = ""

    def encode(self) -> tuple[str, str]:
        match self.kind:
            case "interactive":
                return urlencode({"payload": json.dumps(self.payload)}), FORM
            case "slash_commands":
                return urlencode(self.payload), FORM
            case "events_api":
                return json.dumps(self.payload), "application/json"

    def retry_headers(self) -> dict[str, str]:
        if not self.retry:
            return {}
        return {"x-slack-retry-num": str(self.retry), "x-slack-retry-reason": self.reason or "http_timeout"}


@dataclass(frozen=True, slots=True)
class Ack:
    """The app's answer, or the error that the person sees if there was no usable answer."""

    status: int | None = None
    body: Any = ""
    error: str | None = None


@dataclass(slots=True)
class Delivery:
    http: aiohttp.ClientSession
    sockets: Sockets
    signing_secret: str
    url: str | None = None
    ack_within: float = ACK_WITHIN

    async def send(self, app_request: AppRequest) -> Ack:
        """Over a socket as soon as one is open; the request URL is then no longer used."""
        try:
            async with asyncio.timeout(self.ack_within):
                return await self._send(app_request)
        except TimeoutError:
            return Ack(error="operation_timeout")
        except aiohttp.ClientError:
            return Ack(error="dispatch_failed")

    async def _send(self, app_request: AppRequest) -> Ack:
        if self.sockets.connected:
            body = await self.sockets.send(app_request.kind, app_request.payload, app_request.retry, app_request.reason)
            return Ack(HTTPStatus.OK, "" if body is None else body)
        if self.url is None:
            return Ack(error="dispatch_failed")
        return await self._post(self.url, app_request)

    async def _post(self, url: str, app_request: AppRequest) -> Ack:
        body, kind = app_request.encode()
        headers = signature_headers(self.signing_secret, body) | app_request.retry_headers() | {"Content-Type": kind}
        async with self.http.post(url, data=body.encode(), headers=headers, allow_redirects=False) as answer:
            content = _parse_body(await answer.text(), answer.content_type)
            error = None if answer.status == HTTPStatus.OK else "dispatch_failed"
            return Ack(answer.status, content, error)


def _parse_body(text: str, content_type: str) -> Any:
    if content_type != "application/json" or not text:
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text
