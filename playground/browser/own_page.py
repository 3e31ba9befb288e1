"""Only this machine's own page is served. Requests from other sites that a browser has open are refused."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

from aiohttp import web


def own_page_only(request: web.Request) -> None:
    """Refuse other origins, and host names that only resolve to this machine for a moment."""
    origin = request.headers.get("Origin")
    if not _loopback(request.host) or origin not in (None, f"{request.scheme}://{request.host}"):
        raise web.HTTPForbidden(text="The playground answers its own page on this machine alone. Open it by 127.0.0.1.")


def _loopback(host: str) -> bool:
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return name == "localhost" or ip_address(name).is_loopback
    except ValueError:
        return False
