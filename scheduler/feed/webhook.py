"""Sends events to a webhook, one after the other: CloudEvents in structured mode, signed as callbacks are."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from http import HTTPStatus

from rules.record.cloud_event import MEDIA_TYPE, CloudEvent, encode_cloud_event
from scheduler.callbacks.client import CallbackClient, Reply, UnsentError
from scheduler.callbacks.retries import error_of_status, retry_after
from scheduler.callbacks.webhook import envelope
from scheduler.feed.receiver import TAKES_WITHIN, Receipt

_BUSY = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)


def _utc_now() -> datetime:
    return datetime.now(UTC)


class FeedWebhook:
    at_once = 16
    is_shared = True

    def __init__(
        self, client: CallbackClient, url: str, secrets: Sequence[str], now: Callable[[], datetime] = _utc_now
    ) -> None:
        self._client, self._url, self._secrets, self._now = client, url, tuple(secrets), now

    async def take(self, events: Sequence[CloudEvent]) -> Receipt:
        until = time.monotonic() + TAKES_WITHIN
        for taken, event in enumerate(events):
            if time.monotonic() > until:
                return Receipt(taken)
            if failure := await self._post(event):
                return failure._replace(taken=taken)
        return Receipt(len(events))

    async def _post(self, event: CloudEvent) -> Receipt | None:
        body = encode_cloud_event(event)
        headers = envelope(event["id"], self._now(), body, self._secrets, MEDIA_TYPE)
        try:
            reply = await self._client.send(self._url, headers, body)
        except UnsentError as fault:
            return Receipt(0, str(fault))
        return self._failure(reply)

    def _failure(self, reply: Reply) -> Receipt | None:
        if HTTPStatus.OK <= reply.status < HTTPStatus.MULTIPLE_CHOICES:
            return None
        not_before = retry_after(reply.retry_after, self._now())
        return Receipt(0, error_of_status(reply.status), not_before, is_busy=reply.status in _BUSY)
