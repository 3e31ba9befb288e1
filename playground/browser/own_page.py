"""Only this machine is served, and only its own page: other sites that a browser has open are refused."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

from aiohttp import web


def own_page_only(request: web.Request) -> None:
    """A name that leads to this machine for a moment only is another site's; and so is another origin."""
    origin = request.headers.get("Origin")
    if not _loopback(request.host) or origin not in (None, f"{request.scheme}://{request.host}"):
        raise web.HTTPForbidden(text="The playground answers its own page on this machine alone. Open it by 127.0.0.1.")


def _loopback(host: str) -> bool:
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return name == "localhost" or ip_address(name).is_loopback
    except ValueError:
        return False
