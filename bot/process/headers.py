"""The headers of every answer: nobody keeps it, no browser guesses its type, and nobody learns which server made it."""

from __future__ import annotations

from aiohttp import web
from multidict import CIMultiDict

_ADDED = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


async def protected(_: web.Request, response: web.StreamResponse) -> None:
    """For the answers of the application, just before they are sent."""
    _protect(response.headers)


class ServerResponse(web.Response):
    """An answer of the HTTP server itself: what it cannot read never reaches the application."""

    async def _prepare_headers(self) -> None:
        await super()._prepare_headers()
        _protect(self.headers)


def _protect(headers: CIMultiDict[str]) -> None:
    for name, value in _ADDED.items():
        headers.setdefault(name, value)
    headers.popall("Server", None)
