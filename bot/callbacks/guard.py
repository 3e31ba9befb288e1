"""Where callbacks may go: to the public internet, and to the inside only where the operator says so.

Asked twice: when an address is given, so that a wrong one is refused at once; and of every socket before it connects,
because by then a name may lead elsewhere. What was checked there is what is connected to, however it was spelled.
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

RESOLVE_WITHIN = 2.0
_THIS_MACHINE = IPv4Address("127.0.0.1")
_SPELLINGS = (IPv6Network("64:ff9b::/96"), IPv6Network("::/96"))
_PUBLIC = IPv6Network("2000::/3")  # all that was ever given out; the rest is local, reserved or a translator's
_OF_CLOUDS = (IPv4Network("168.63.129.16/32"), IPv4Network("192.0.0.0/24"))  # public by their form, inside by their use
_EXAMPLES = IPv6Network("3fff::/20")  # of documents, which this Python takes for public


class ForbiddenError(OSError):
    """A socket that is not opened."""


async def forbidden(url: str, allowed: Iterable[Network]) -> str | None:
    """Why this address must not be called, or nothing. A name that does not resolve now is looked up at delivery."""
    inside = [each for each in await _addresses(_host(url)) if not is_open(each, allowed)]
    if inside:
        return (
            "must not lead to a private, loopback or link-local address; COUNTERSIGN_CALLBACK_ALLOW can name networks"
        )
    return None


def _host(url: str) -> str:
    """As a resolver would take it, without the zone of an IPv6 address: this machine may not have it."""
    host = urlsplit(url).hostname or ""
    return host.partition("%")[0] if ":" in host else _small(unquote(host)).rstrip(".")


def _small(host: str) -> str:
    """As a resolver maps it before it looks it up: full-width letters and dots are letters and dots."""
    return normalize("NFKC", host).replace("\N{IDEOGRAPHIC FULL STOP}", ".").lower()


async def _addresses(host: str) -> list[Address]:
    if _is_this_machine(host):
        return [_THIS_MACHINE]
    try:
        async with asyncio.timeout(RESOLVE_WITHIN):
            found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, ValueError, TimeoutError):
        return []
    return [_address(entry[4]) for entry in found]


def _is_this_machine(host: str) -> bool:
    """By its name (RFC 6761), also where nothing here resolves it: at delivery something may."""
    return host == "localhost" or host.endswith(".localhost")


def is_inside(url: str) -> bool:
    """Whether it is inside by what it says itself. A name is not looked up."""
    host = _host(url)
    try:
        return not is_open(ip_address(host), ())
    except ValueError:
        return _is_this_machine(host)


class Gate:
    """Makes the sockets that connect to receivers, and none to where they must not lead."""

    def __init__(self, allowed: Iterable[Network]) -> None:
        self._allowed = tuple(allowed)

    def open(self, where: tuple[Any, ...]) -> socket.socket:
        """`where` is one entry of getaddrinfo, and exactly what the socket is then connected to."""
        family, kind, protocol, _, its = where
        address = _address(its)
        if not is_open(address, self._allowed):
            raise ForbiddenError(f"leads to {address}, which is inside; COUNTERSIGN_CALLBACK_ALLOW can name networks")
        return socket.socket(family, kind, protocol)


def is_open(address: Address, allowed: Iterable[Network]) -> bool:
    plain = _plain(address)
    named = any(each in network for network in allowed for each in (address, plain))
    return named or _is_public(plain)


def _is_public(address: Address) -> bool:
    if isinstance(address, IPv6Address) and (address not in _PUBLIC or address in _EXAMPLES):
        return False
    named_inside = any(address in network for network in _OF_CLOUDS)
    return address.is_global and not address.is_multicast and not named_inside


def _address(where: tuple[Any, ...]) -> Address:
    return ip_address(str(where[0]).partition("%")[0])


def _plain(address: Address) -> Address:
    """The IPv4 address that an IPv6 one only spells: mapped, compatible, translated (NAT64) or tunnelled (6to4)."""
    if isinstance(address, IPv4Address):
        return address
    if any(address in network for network in _SPELLINGS):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address
