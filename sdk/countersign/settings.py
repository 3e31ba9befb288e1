"""Whom to speak to and as whom: given, or from the environment."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

import httpx

from countersign.errors import ConfigurationError

URL, KEY = "COUNTERSIGN_URL", "COUNTERSIGN_AGENT_KEY"
_HOME = "http://127.0.0.1:8080"


@dataclass(frozen=True, slots=True)
class Settings:
    url: str
    key: str = field(repr=False)


def settings(url: str | None, key: str | None) -> Settings:
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
    return Settings(url.rstrip("/"), key)


def _has_host(url: str) -> bool:
    try:
        return bool(httpx.URL(url).host)
    except httpx.InvalidURL:
        return False
