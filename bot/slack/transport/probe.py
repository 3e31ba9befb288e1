"""The probe: a signed event like Slack's, sent to our own public address, which must arrive here."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from aiohttp import ClientError, ClientSession, ClientTimeout, TCPConnector

from bot.slack.transport.signature import signature

PROBE = "countersign.probe"  # Slack has no event of this type
ANSWERS_WITHIN = 3.0  # seconds, as long as Slack waits for the answer to a click


class Prober:
    """Each probe uses a new connection, so that a balancer spreads probes over all replicas."""

    def __init__(self, address: str, signing_secret: str) -> None:
        self.address, self._secret = address, signing_secret

    async def send(self, nonce: str) -> str | None:
        """Why the probe was not carried out, or None if it was."""
        body = self._body(nonce)
        headers = {"Content-Type": "application/json", **signature_headers(self._secret, body)}
        try:
            async with (
                ClientSession(
                    timeout=ClientTimeout(total=ANSWERS_WITHIN),
                    connector=TCPConnector(force_close=True),
                    trust_env=True,
                ) as http,
                http.post(self.address, data=body, headers=headers, allow_redirects=False) as answer,
            ):
                return None if answer.status == HTTPStatus.OK else f"it answers {answer.status}"
        except TimeoutError:
            return f"no answer within {ANSWERS_WITHIN:g} s"
        except (ClientError, OSError, ValueError) as fault:
            return f"{type(fault).__name__}: {fault}"

    def _body(self, nonce: str) -> bytes:
        return json.dumps({"type": "event_callback", "event": {"type": PROBE, "nonce": nonce}}).encode()


def nonce_of(event: Mapping[str, Any]) -> str:
    return str(event.get("nonce") or "")


def signature_headers(secret: str, body: bytes) -> dict[str, str]:
    stamp = str(int(time.time()))
    return {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": signature(secret.encode(), stamp, body)}
