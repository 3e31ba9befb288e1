"""E-mail addresses of the directory and of the sender, as mail servers take them."""

from __future__ import annotations

import re
from email.errors import MessageError
from email.headerregistry import Address

import idna

MAX_ADDRESS = 320
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_SPECIAL = re.compile(r'[\s()<>\[\]:;@\\,"]')


class AddressError(ValueError):
    """The address cannot be used. The message does not contain it."""


def parse_address(written: str) -> Address:
    """One address. A domain in other alphabets is written as mail servers know it."""
    local, _, domain = written.strip().rpartition("@")
    if len(written) > MAX_ADDRESS or _CONTROLS.search(written):
        raise AddressError("it is not an e-mail address")
    try:
        return _address(local, idna.encode(domain, uts46=True).decode())
    except (idna.IDNAError, MessageError, ValueError, IndexError) as fault:
        raise AddressError("it is not an e-mail address") from fault


def _address(local: str, domain: str) -> Address:
    if local.isascii():
        return Address(addr_spec=f"{local}@{domain}")
    if _SPECIAL.search(local):
        raise ValueError("a name with letters of other alphabets cannot be quoted")
    return Address(username=local, domain=domain)


def needs_utf8(*addresses: Address) -> bool:
    """Whether the part before the @ has letters that only servers with SMTPUTF8 take."""
    return not all(address.addr_spec.isascii() for address in addresses)
