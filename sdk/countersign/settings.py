"""The service's URL and the agent's key, from arguments or the environment.

The key is sent over https, or to this machine. Plain http to another machine would show the key to everybody on the
way, so it needs `insecure=True` or COUNTERSIGN_INSECURE=1.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from ipaddress import ip_address

import httpx

from countersign.errors import ConfigurationError

URL, KEY, INSECURE = "COUNTERSIGN_URL", "COUNTERSIGN_AGENT_KEY", "COUNTERSIGN_INSECURE"
_DEFAULT_URL = "http://127.0.0.1:8080"


@dataclass(frozen=True, slots=True)
class Settings:
    url: str
    key: str = field(repr=False)

    @property
    def is_local(self) -> bool:
        """Whether the service is on this machine, so that nothing (and no proxy) is in between."""
        return _is_loopback(httpx.URL(self.url).host)


def read_settings(url: str | None, key: str | None, *, insecure: bool = False) -> Settings:
    url = url or os.environ.get(URL) or _DEFAULT_URL
    key = key or os.environ.get(KEY) or ""
    if not url.startswith(("http://", "https://")):
        raise ConfigurationError(f"{URL} must begin with http:// or https://, and is {url!r}")
    if not _has_host(url):
        raise ConfigurationError(f"{URL} names no host that can be called: {url!r}")
    if not key:
        raise ConfigurationError(f"{KEY} is not set: give it the key that `countersign agents add` printed")
    if not (key.isascii() and key.isprintable() and " " not in key):
        raise ConfigurationError(f"{KEY} is no agent key: it must look like csk_…, without spaces or line ends")
    settings = Settings(url.rstrip("/"), key)
    if (
        not (settings.is_local or insecure or os.environ.get(INSECURE) == "1")
        and httpx.URL(settings.url).scheme == "http"
    ):
        raise ConfigurationError(
            f"{URL} is plain http to another machine, and everybody on the way could read the key: {url!r}. Use https;"
            f" or, in a network that you trust, set {INSECURE}=1 or insecure=True"
        )
    return settings


def _is_loopback(host: str) -> bool:
    """True only for names that are certain to be this machine: a name server may resolve other names to any address."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _has_host(url: str) -> bool:
    try:
        return bool(httpx.URL(url).host)
    except httpx.InvalidURL:
        return False
