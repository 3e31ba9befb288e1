"""Who is at the other end of a connection: its address, or the one that a trusted proxy forwards."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any

from bot.callbacks.guard import Network

Address = IPv4Address | IPv6Address

FORWARDED = "X-Forwarded-For"
_OF_ONE = 64  # bits: whoever has one IPv6 address usually has all with this beginning


class Peers:
    """Names peers. Behind a proxy all would be one, so only proxies that the operator names are looked behind."""

    def __init__(self, proxies: Iterable[Network]) -> None:
        self._proxies = tuple(proxies)

    def of(self, peername: Any) -> str | None:
        """The peer of a new connection; None for a trusted proxy, which may bring anybody."""
        address = _address(peername)
        return None if self._is_proxy(address) else _name(address)

    def behind(self, peername: Any, headers: Mapping[str, str]) -> str | None:
        """The peer of a request: the last forwarded address that is no proxy of ours. Others in the header may lie."""
        address = _address(peername)
        if not self._is_proxy(address):
            return _name(address)
        hops = (_parsed(hop) for hop in reversed(headers.get(FORWARDED, "").split(",")))
        return next((_name(hop) for hop in hops if not self._is_proxy(hop)), None)

    def _is_proxy(self, address: Address | None) -> bool:
        return address is not None and any(address in network for network in self._proxies)


def _address(peername: Any) -> Address | None:
    return _parsed(str(peername[0])) if isinstance(peername, tuple) and peername else None


@lru_cache(maxsize=1024)  # each request asks, and its connection has the same address as before
def _parsed(written: str) -> Address | None:
    try:
        address = ip_address(written.strip().partition("%")[0])
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


@lru_cache(maxsize=1024)
def _name(address: Address | None) -> str | None:
    if isinstance(address, IPv6Address):
        return str(IPv6Network((address, _OF_ONE), strict=False))
    return None if address is None else str(address)
