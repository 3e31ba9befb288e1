"""Slack's signature of a request: over its time and its exact bytes."""

from __future__ import annotations

import hmac
from hashlib import sha256


def signature(secret: bytes, timestamp: str, body: bytes) -> str:
    return "v0=" + hmac.new(secret, b"v0:%b:%b" % (timestamp.encode(), body), sha256).hexdigest()
