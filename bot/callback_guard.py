"""Where callbacks may go: to the public internet, and to the inside only where the operator says so."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit

from bot.settings import Network

Address = IPv4Address | IPv6Address

RESOLVE_WITHIN = 2.0
_SPELLINGS = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"), IPv6Network("::/96"))


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
    plain = _plain(address)
    named = any(each in network for network in allowed for each in (address, plain))
    return named or (plain.is_global and not plain.is_multicast)


def _plain(address: Address) -> Address:
    """The IPv4 address that an IPv6 one only spells: mapped, compatible, translated (NAT64) or tunnelled (6to4)."""
    if isinstance(address, IPv4Address):
        return address
    if any(address in network for network in _SPELLINGS):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address
