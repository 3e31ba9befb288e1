"""Where callbacks may go: to the public internet, and to the inside only where the operator says so."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import urlsplit

from bot.settings import Network

Address = IPv4Address | IPv6Address

RESOLVE_WITHIN = 2.0


async def forbidden(url: str, allowed: Iterable[Network]) -> str | None:
    """Why this address must not be called, or nothing. A name that does not resolve now is looked up at delivery."""
    host = urlsplit(url).hostname or ""
    inside = [each for each in await _addresses(host) if not _is_open(each, allowed)]
    if inside:
        return (
            "must not lead to a private, loopback or link-local address; COUNTERSIGN_CALLBACK_ALLOW can name networks"
        )
    return None


async def _addresses(host: str) -> list[Address]:
    try:
        async with asyncio.timeout(RESOLVE_WITHIN):
            found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError, TimeoutError):
        return []
    return [ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]


def _is_open(address: Address, allowed: Iterable[Network]) -> bool:
    # ::ffff:127.0.0.1 is 127.0.0.1 in another spelling.
    plain = address.ipv4_mapped if isinstance(address, IPv6Address) and address.ipv4_mapped else address
    return (plain.is_global and not plain.is_multicast) or any(plain in network for network in allowed)
