"""Sends a callback to an agent, with signed headers as in the Standard Webhooks specification.

One attempt for each call: what follows from it is in `scheduler.callbacks.retries`, and when it is made in
`scheduler.callbacks.sender`. Which addresses may be reached is checked where the connection is made
(`bot.callbacks`).
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from hashlib import sha256

from scheduler.callbacks.client import CallbackClient, UnsentError
from scheduler.callbacks.retries import AttemptResult, Dead, result_of_failure, result_of_reply
from scheduler.callbacks.tracing import BeginDelivery, pass_trace_on
from store.agents.callback_secrets import VaultError
from store.outbox.deliveries import ClaimedCallback

PREFIX = "whsec_"


class WebhookPost:
    """The sender calls `count` with the outcome of each attempt: delivered, failed or dead. `trace` begins its span."""

    def __init__(
        self,
        client: CallbackClient,
        count: Callable[[str], None],
        now: Callable[[], datetime],
        chance: Callable[[], float],
        decrypt: Callable[[str], str],
        *,
        trace: BeginDelivery = pass_trace_on,
    ) -> None:
        self._trace = trace
        self._client, self.count, self._now, self._chance, self._decrypt = client, count, now, chance, decrypt

    async def attempt(self, callback: ClaimedCallback) -> AttemptResult:
        return _obstacle(callback) or await self._try(callback)

    async def _try(self, callback: ClaimedCallback) -> AttemptResult:
        span = self._trace(callback)
        result: AttemptResult | None = None
        try:
            result = await self._send_or_fail(callback, span.headers)
            return result
        finally:
            span.end(result)

    async def _send_or_fail(self, callback: ClaimedCallback, trace_headers: Mapping[str, str]) -> AttemptResult:
        try:
            return await self._send(callback, trace_headers)
        except (UnsentError, VaultError) as fault:
            return result_of_failure(str(fault), callback.attempts, self._now(), self._chance())

    async def _send(self, callback: ClaimedCallback, trace_headers: Mapping[str, str]) -> AttemptResult:
        body = (callback.body or "").encode()
        headers = envelope(callback.callback_id, self._now(), body, map(self._decrypt, callback.secrets))
        reply = await self._client.send(callback.url, {**trace_headers, **headers}, body)
        return result_of_reply(reply, callback.attempts, self._now(), self._chance())


def _obstacle(callback: ClaimedCallback) -> Dead | None:
    if callback.revoked:
        return Dead("not sent: its agent was revoked")
    if callback.closed:
        return Dead("not sent: the address answered 410 Gone before; `countersign callbacks enable` opens it again")
    if callback.body is None:
        return Dead("not sent: retention has emptied its words")
    if not callback.secrets:
        return Dead("not sent: its agent has no secret to sign with; `countersign agents rotate` makes one")
    return None


def envelope(
    callback_id: str, at: datetime, body: bytes, secrets: Iterable[str], media_type: str = "application/json"
) -> dict[str, str]:
    """The signed headers. During a rotation there are two secrets: a receiver that knows either can verify."""
    timestamp = str(int(at.timestamp()))
    signed = f"{callback_id}.{timestamp}.".encode() + body
    return {
        "Content-Type": media_type,
        "User-Agent": "Countersign",
        "webhook-id": callback_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(_signature(secret, signed) for secret in secrets),
    }


def _signature(secret: str, signed: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(PREFIX))
    return "v1," + base64.b64encode(hmac.digest(key, signed, sha256)).decode()
