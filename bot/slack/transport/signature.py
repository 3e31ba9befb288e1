"""Slack's signature of a request, over its time and its exact bytes, and what is noted of the one served now."""

from __future__ import annotations

import hmac
import time
from contextvars import ContextVar
from hashlib import sha256

ON_ITS_WAY = 10.0
_signed_at: ContextVar[float] = ContextVar("signed_at")
_host: ContextVar[str] = ContextVar("host", default="")


def signature(secret: bytes, timestamp: str, body: bytes) -> str:
    return "v0=" + hmac.new(secret, b"v0:%b:%b" % (timestamp.encode(), body), sha256).hexdigest()


def is_served(timestamp: str, host: str) -> None:
    """Notes when the request that is served now was signed, and to which host it was sent."""
    _signed_at.set(float(timestamp))
    _host.set(plain_host(host))


def plain_host(host: str) -> str:
    """One spelling for each host: in small letters, without the port that its scheme has anyway."""
    return host.strip().lower().removesuffix(":443").removesuffix(":80").rstrip(".")


def age() -> float:
    """Seconds since the request that is served now was signed; none if it came within the usual time.

    Sending a recorded request again does not make it newer.
    """
    now = time.time()
    passed = now - _signed_at.get(now)
    return passed if passed > ON_ITS_WAY else 0.0


def host() -> str:
    """The host to which the request that is served now was sent, as the proxy passed it on."""
    return _host.get()
