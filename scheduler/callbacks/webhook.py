"""The signed headers of a callback, as in the Standard Webhooks specification."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Iterable
from datetime import datetime
from hashlib import sha256

PREFIX = "whsec_"


def envelope(callback_id: str, at: datetime, body: bytes, secrets: Iterable[str]) -> dict[str, str]:
    """During a rotation there are two secrets: a receiver that knows either can verify."""
    timestamp = str(int(at.timestamp()))
    signed = f"{callback_id}.{timestamp}.".encode() + body
    return {
        "Content-Type": "application/json",
        "User-Agent": "Countersign",
        "webhook-id": callback_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(_signature(secret, signed) for secret in secrets),
    }


def _signature(secret: str, signed: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(PREFIX))
    return "v1," + base64.b64encode(hmac.digest(key, signed, sha256)).decode()
