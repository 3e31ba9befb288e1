"""The way to the app: signed, over HTTP, and answered within three seconds or not at all."""

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
from playground.client.signing import signed

Kind = Literal["interactive", "slash_commands", "events_api"]
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Parcel:
    """What is told to the app. The same parcel may come twice."""

    kind: Kind
    payload: Mapping[str, Any]
    retry: int = 0
    reason: str = ""

    def encoded(self) -> tuple[str, str]:
        match self.kind:
            case "interactive":
                return urlencode({"payload": json.dumps(self.payload)}), FORM
            case "slash_commands":
                return urlencode(self.payload), FORM
            case "events_api":
                return json.dumps(self.payload), "application/json"

    def retried(self) -> dict[str, str]:
        if not self.retry:
            return {}
        return {"x-slack-retry-num": str(self.retry), "x-slack-retry-reason": self.reason or "http_timeout"}


@dataclass(frozen=True, slots=True)
class Ack:
    """What the app said, or what the person is told because it said nothing that Slack could use."""

    status: int | None = None
    body: Any = ""
    error: str | None = None


@dataclass(slots=True)
class Delivery:
    http: aiohttp.ClientSession
    sockets: Sockets
    signing_secret: str
    url: str | None = None
    ack_within: float = 3.0

    async def send(self, parcel: Parcel) -> Ack:
        """Over a socket as soon as there is one; then nothing goes to the request URL any more."""
        try:
            async with asyncio.timeout(self.ack_within):
                return await self._sent(parcel)
        except TimeoutError:
            return Ack(error="operation_timeout")
        except aiohttp.ClientError:
            return Ack(error="dispatch_failed")

    async def _sent(self, parcel: Parcel) -> Ack:
        if self.sockets.connected:
            body = await self.sockets.send(parcel.kind, parcel.payload, parcel.retry, parcel.reason)
            return Ack(HTTPStatus.OK, "" if body is None else body)
        if self.url is None:
            return Ack(error="dispatch_failed")
        return await self._posted(self.url, parcel)

    async def _posted(self, url: str, parcel: Parcel) -> Ack:
        body, kind = parcel.encoded()
        headers = signed(self.signing_secret, body) | parcel.retried() | {"Content-Type": kind}
        async with self.http.post(url, data=body.encode(), headers=headers, allow_redirects=False) as answer:
            said = _parsed(await answer.text(), answer.content_type)
            error = None if answer.status == HTTPStatus.OK else "dispatch_failed"
            return Ack(answer.status, said, error)


def _parsed(text: str, content_type: str) -> Any:
    if content_type != "application/json" or not text:
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text
