"""Parses the setting of the mail server: `smtp://user:password@host:587` or `smtps://user:password@host:465`.

The first begins with STARTTLS, the second with TLS, and the certificate is always verified. Only `smtp://` to this
machine is plain text.
"""

from __future__ import annotations

import ssl
from email.headerregistry import Address
from email.utils import parseaddr
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

from bot.callbacks.guard import is_on_this_machine
from scheduler.mail.addresses import AddressError, parse_address

SHAPE = "must be smtp://USER:PASSWORD@HOST:587 (STARTTLS) or smtps://USER:PASSWORD@HOST:465 (TLS)"
PORTS = {"smtp": 587, "smtps": 465}


class SmtpServer(NamedTuple):
    """`ca`: a file with the authority that signed the server's certificate, if the system does not know it."""

    host: str
    port: int
    implicit_tls: bool
    user: str | None
    password: str | None
    ca: str | None

    @property
    def is_here(self) -> bool:
        return is_on_this_machine(self.host)

    @property
    def starts_tls(self) -> bool:
        return not self.implicit_tls and not self.is_here

    def __str__(self) -> str:
        """Without the password, for people."""
        return f"{'smtps' if self.implicit_tls else 'smtp'}://{self.host}:{self.port}"

    def __repr__(self) -> str:
        return f"<{self}>"


def parse_smtp_url(url: str) -> SmtpServer:
    """Raises ValueError with a sentence that never contains the address, which may contain a password."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError(SHAPE) from None
    if parts.scheme not in PORTS or not parts.hostname or parts.path not in ("", "/") or parts.fragment:
        raise ValueError(SHAPE)
    if (parts.username is None) is not (parts.password is None):
        raise ValueError(f"{SHAPE}: a user and a password, or neither")
    return SmtpServer(
        host=parts.hostname,
        port=port or PORTS[parts.scheme],
        implicit_tls=parts.scheme == "smtps",
        user=unquote(parts.username) if parts.username is not None else None,
        password=unquote(parts.password) if parts.password is not None else None,
        ca=_ca_file(parts.query),
    )


def _ca_file(query: str) -> str | None:
    """The only parameter: `?ca=FILE`."""
    parameters = parse_qs(query, keep_blank_values=True)
    if not parameters:
        return None
    names, files = list(parameters), parameters.get("ca", [])
    if names != ["ca"] or len(files) != 1 or not Path(files[0]).is_file():
        raise ValueError("can only have the parameter ca=FILE, a file with the certificate of an authority")
    return files[0]


def parse_sender(text: str) -> Address:
    """`countersign@example.com`, or with a name: `Countersign <countersign@example.com>`."""
    name, address = parseaddr(text)
    try:
        parsed = parse_address(address if text.isprintable() else "")
    except AddressError:
        raise ValueError("must be an address such as countersign@example.com") from None
    return Address(name or "Countersign", addr_spec=parsed.addr_spec)


def tls_context(server: SmtpServer) -> ssl.SSLContext:
    """Trusts the system's authorities, or only the one in the file. Checks the name of the server."""
    return ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=server.ca)
