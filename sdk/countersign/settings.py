"""Whom to speak to and as whom: given, or from the environment.

The key goes over https, or to this very machine. Over plain http to another host everybody on the way could read it, so
that takes `insecure=True` or COUNTERSIGN_INSECURE=1.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from ipaddress import ip_address

import httpx

from countersign.errors import ConfigurationError

URL, KEY, INSECURE = "COUNTERSIGN_URL", "COUNTERSIGN_AGENT_KEY", "COUNTERSIGN_INSECURE"
_HOME = "http://127.0.0.1:8080"


@dataclass(frozen=True, slots=True)
class Settings:
    url: str
    key: str = field(repr=False)

    @property
    def is_local(self) -> bool:
        """Whether the service is on this machine: then nothing, and no proxy, stands in between."""
        return _is_loopback(httpx.URL(self.url).host)


def settings(url: str | None, key: str | None, *, insecure: bool = False) -> Settings:
    url = url or os.environ.get(URL) or _HOME
    key = key or os.environ.get(KEY) or ""
    if not url.startswith(("http://", "https://")):
        raise ConfigurationError(f"{URL} must begin with http:// or https://, and is {url!r}")
    if not _has_host(url):
        raise ConfigurationError(f"{URL} names no host that can be called: {url!r}")
    if not key:
        raise ConfigurationError(f"{KEY} is not set: give it the key that `countersign agents add` printed")
    if not (key.isascii() and key.isprintable() and " " not in key):
        raise ConfigurationError(f"{KEY} is no agent key: it must look like csk_…, without spaces or line ends")
    its = Settings(url.rstrip("/"), key)
    if not (its.is_local or insecure or os.environ.get(INSECURE) == "1") and httpx.URL(its.url).scheme == "http":
        raise ConfigurationError(
            f"{URL} is plain http to another machine, and everybody on the way could read the key: {url!r}. Use https;"
            f" or, in a network that you trust, set {INSECURE}=1 or insecure=True"
        )
    return its


def _is_loopback(host: str) -> bool:
    """Only what can be nothing else: other names may be answered by somebody's name server."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _has_host(url: str) -> bool:
    try:
        return bool(httpx.URL(url).host)
    except httpx.InvalidURL:
        return False
