"""Restricts callbacks to the public internet and the networks that the operator allows (against SSRF).

A URL is checked twice: when an agent or an operator gives it, so that a wrong one is refused at once; and for every
socket before it connects, because the host may have another IP address by then. The second check sees the very address
that the socket connects to, however the URL spells it.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any
from unicodedata import normalize
from urllib.parse import unquote, urlsplit

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address

ALLOW_SETTING = "COUNTERSIGN_CALLBACK_ALLOW"
RESOLVE_WITHIN = 2.0  # seconds
_LOOPBACK = IPv4Address("127.0.0.1")
_IPV4_IN_IPV6 = (IPv6Network("64:ff9b::/96"), IPv6Network("::/96"))
# All global unicast addresses that are assigned so far; the rest is local, reserved or for translation.
_GLOBAL_IPV6 = IPv6Network("2000::/3")
_DOCUMENTATION_IPV6 = IPv6Network("3fff::/20")  # Python's ipaddress counts it as global
# Public by their form, but internal to cloud networks.
_CLOUD_INTERNAL = (IPv4Network("168.63.129.16/32"), IPv4Network("192.0.0.0/24"))


class ForbiddenError(OSError):
    """The socket's address is not allowed."""


async def why_forbidden(url: str, allowed: Iterable[Network]) -> str | None:
    """Return why this URL must not be called, or None. A name that does not resolve now is checked at delivery."""
    internal = [address for address in await _addresses(_host(url)) if not is_allowed(address, allowed)]
    if internal:
        return f"must not lead to a private, loopback or link-local address; {ALLOW_SETTING} can name networks"
    return None


def _host(url: str) -> str:
    """The host as a resolver reads it, without the zone of an IPv6 address: this machine may not have that zone."""
    host = urlsplit(url).hostname or ""
    return host.partition("%")[0] if ":" in host else _normalize(unquote(host)).rstrip(".")


def _normalize(host: str) -> str:
    """Normalize as a resolver does before a lookup: full-width letters and dots become plain ones."""
    return normalize("NFKC", host).replace("\N{IDEOGRAPHIC FULL STOP}", ".").lower()


async def _addresses(host: str) -> list[Address]:
    if _is_localhost(host):
        return [_LOOPBACK]
    try:
        async with asyncio.timeout(RESOLVE_WITHIN):
            entries = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, ValueError, TimeoutError):
        return []
    return [_address(entry[4]) for entry in entries]


def _is_localhost(host: str) -> bool:
    """Whether the name means this machine (RFC 6761), even if it does not resolve now: at delivery it might."""
    return host == "localhost" or host.endswith(".localhost")


def is_internal(url: str) -> bool:
    """Whether the host is an internal IP address or localhost. Other names are not looked up."""
    host = _host(url)
    try:
        return not is_allowed(ip_address(host), ())
    except ValueError:
        return _is_localhost(host)


def is_on_this_machine(host: str) -> bool:
    """Whether the host is a loopback address or localhost: nobody else sees what goes there."""
    try:
        address = ip_address(host)
    except ValueError:
        return _is_localhost(host)
    return address.is_loopback or _unwrap(address).is_loopback


class Gate:
    """Creates the sockets of the callback client; raises `ForbiddenError` for an address that is not allowed.

    `setting`: the name of the setting that has the allowed networks, for messages.
    """

    def __init__(self, allowed: Iterable[Network], setting: str = ALLOW_SETTING) -> None:
        self._allowed, self._setting = tuple(allowed), setting

    def open(self, entry: tuple[Any, ...]) -> socket.socket:
        """`entry` is one result of getaddrinfo, with exactly the address that the socket then connects to."""
        family, kind, protocol, _, sockaddr = entry
        address = _address(sockaddr)
        if not is_allowed(address, self._allowed):
            raise ForbiddenError(f"leads to {address}, which is inside; {self._setting} can name networks")
        return socket.socket(family, kind, protocol)


def is_allowed(address: Address, allowed: Iterable[Network]) -> bool:
    unwrapped = _unwrap(address)
    named = any(form in network for network in allowed for form in (address, unwrapped))
    return named or _is_public(unwrapped)


def _is_public(address: Address) -> bool:
    if isinstance(address, IPv6Address) and (address not in _GLOBAL_IPV6 or address in _DOCUMENTATION_IPV6):
        return False
    is_cloud_internal = any(address in network for network in _CLOUD_INTERNAL)
    return address.is_global and not address.is_multicast and not is_cloud_internal


def _address(sockaddr: tuple[Any, ...]) -> Address:
    return ip_address(str(sockaddr[0]).partition("%")[0])


def _unwrap(address: Address) -> Address:
    """Return the IPv4 address inside an IPv6 one: mapped, compatible, translated (NAT64) or tunnelled (6to4)."""
    if isinstance(address, IPv4Address):
        return address
    if any(address in network for network in _IPV4_IN_IPV6):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address
