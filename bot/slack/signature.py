"""Slack's signature of a request: over its time and its exact bytes."""

from __future__ import annotations

import hmac
import time
from contextvars import ContextVar
from hashlib import sha256

ON_ITS_WAY = 10.0
_signed_at: ContextVar[float] = ContextVar("signed_at")


def signature(secret: bytes, timestamp: str, body: bytes) -> str:
    return "v0=" + hmac.new(secret, b"v0:%b:%b" % (timestamp.encode(), body), sha256).hexdigest()


def is_signed_at(timestamp: str) -> None:
    """Notes when the request that is served now was signed; who sends it again does not make it newer."""
    _signed_at.set(float(timestamp))


def age() -> float:
    """Seconds since the request that is served now was signed; none if it came within the usual time."""
    now = time.time()
    passed = now - _signed_at.get(now)
    return passed if passed > ON_ITS_WAY else 0.0
