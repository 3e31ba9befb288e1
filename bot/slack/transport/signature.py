"""Slack's request signature, over the timestamp and the exact bytes; and the time and host of the current request.

`endpoint` checks the signature first and then calls `note_request`. Both values are context variables, so they belong
to one request; `http_transport` takes them as the proof that clicks arrive.
"""

from __future__ import annotations

import hmac
import time
from contextvars import ContextVar
from hashlib import sha256

USUAL_DELAY = 10.0  # seconds between the signature of a request and its arrival
_signed_at: ContextVar[float] = ContextVar("signed_at")
_host: ContextVar[str] = ContextVar("host", default="")


def signature(secret: bytes, timestamp: str, body: bytes) -> str:
    return "v0=" + hmac.new(secret, b"v0:%b:%b" % (timestamp.encode(), body), sha256).hexdigest()


def note_request(timestamp: str, host: str) -> None:
    """Note when the current request was signed, and to which host it was sent."""
    _signed_at.set(float(timestamp))
    _host.set(plain_host(host))


def plain_host(host: str) -> str:
    """One spelling per host: lower case, without the default port of its scheme."""
    return host.strip().lower().removesuffix(":443").removesuffix(":80").rstrip(".")


def request_age() -> float:
    """Seconds since the current request was signed; 0 if it arrived within the usual delay.

    Sending a recorded request again does not make it newer.
    """
    now = time.time()
    elapsed = now - _signed_at.get(now)
    return elapsed if elapsed > USUAL_DELAY else 0.0


def request_host() -> str:
    """The host to which the current request was sent, as the proxy passed it on."""
    return _host.get()
