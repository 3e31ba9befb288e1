"""Parses the settings of the feed's webhook: its address, and the secrets that sign what is sent there."""

from __future__ import annotations

import base64
import binascii
from typing import NamedTuple
from urllib.parse import urlsplit

from bot.callbacks.guard import is_on_this_machine

EXPOSED = "over http:// others on the way can read the events, and can answer in the receiver's place"
USE_HTTPS = "use an https:// address in COUNTERSIGN_FEED_URL"
PREFIX = "whsec_"
LEAST_KEY = 24  # bytes, as in the Standard Webhooks specification
ALLOW_FEED = "COUNTERSIGN_FEED_ALLOW"


class FeedTarget(NamedTuple):
    """`secrets`: the newest first. During a rotation there are two, and a receiver that knows either can verify."""

    url: str
    secrets: tuple[str, ...]

    @property
    def shown(self) -> str:
        """The address without its path and query, which may contain a token."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def is_exposed(self) -> bool:
        """Whether others on the way can read the events: they go to another machine without TLS."""
        parts = urlsplit(self.url)
        return parts.scheme == "http" and not is_on_this_machine(parts.hostname or "")


def check_feed_url(url: str) -> None:
    if not _is_address(url):
        raise ValueError("must be the address of your receiver, such as https://siem.example.com/events")


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - raises if it is not a port
    except ValueError:
        return False
    is_web = parts.scheme in ("http", "https") and bool(parts.hostname)
    return is_web and not parts.fragment and "@" not in parts.netloc and all("!" <= letter <= "~" for letter in url)


def parse_feed_secrets(written: str) -> tuple[str, ...]:
    secrets = tuple(part.strip() for part in written.split(",") if part.strip())
    if not secrets or not all(map(_is_secret, secrets)):
        raise ValueError(
            f"must be {PREFIX} and {LEAST_KEY} or more bytes in base64: `openssl rand -base64 32` makes them"
        )
    return secrets


def _is_secret(secret: str) -> bool:
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        return False
    return secret.startswith(PREFIX) and len(key) >= LEAST_KEY
