"""Finds the address of a client: the peer of the connection, or the address that a trusted proxy forwards."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any

from bot.callbacks.guard import Network

Address = IPv4Address | IPv6Address

FORWARDED = "X-Forwarded-For"
_IPV6_PREFIX = 64  # bits: a client with one IPv6 address usually has its whole /64


class Peers:
    """Names clients. `X-Forwarded-For` is believed only from the proxies that the operator trusts."""

    def __init__(self, proxies: Iterable[Network]) -> None:
        self._proxies = tuple(proxies)

    def of_connection(self, peername: Any) -> str | None:
        """The client of a new connection; None for a trusted proxy, because its client is not known yet."""
        address = _address(peername)
        return None if self._is_proxy(address) else _name(address)

    def of_request(self, peername: Any, headers: Mapping[str, str]) -> str | None:
        """The client: the last forwarded address that is not a trusted proxy. Earlier ones may be forged."""
        address = _address(peername)
        if not self._is_proxy(address):
            return _name(address)
        hops = (_parse(hop) for hop in reversed(headers.get(FORWARDED, "").split(",")))
        return next((_name(hop) for hop in hops if not self._is_proxy(hop)), None)

    def _is_proxy(self, address: Address | None) -> bool:
        return address is not None and any(address in network for network in self._proxies)


def _address(peername: Any) -> Address | None:
    return _parse(str(peername[0])) if isinstance(peername, tuple) and peername else None


@lru_cache(maxsize=1024)  # parsed for each request, and usually the same address as before
def _parse(text: str) -> Address | None:
    try:
        address = ip_address(text.strip().partition("%")[0])
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


@lru_cache(maxsize=1024)
def _name(address: Address | None) -> str | None:
    if isinstance(address, IPv6Address):
        return str(IPv6Network((address, _IPV6_PREFIX), strict=False))
    return None if address is None else str(address)
