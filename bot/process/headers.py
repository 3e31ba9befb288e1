"""Headers of every response: no caching, no content sniffing, and no `Server` header."""

from __future__ import annotations

from aiohttp import web
from multidict import CIMultiDict

_ADDED = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


async def add_headers(_: web.Request, response: web.StreamResponse) -> None:
    """Signal handler (`on_response_prepare`): runs just before the application sends a response."""
    _set_headers(response.headers)


class ServerResponse(web.Response):
    """A response of the HTTP server itself to a request that it cannot parse; the application never sees those."""

    async def _prepare_headers(self) -> None:
        await super()._prepare_headers()
        _set_headers(self.headers)


def _set_headers(headers: CIMultiDict[str]) -> None:
    for name, value in _ADDED.items():
        headers.setdefault(name, value)
    headers.popall("Server", None)
