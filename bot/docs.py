"""Where the API is described: to machines at `/openapi.json`, to people at `/docs`."""

from __future__ import annotations

import json

from aiohttp import web

from bot.docs_page import page
from bot.openapi import document

# The page needs its own style and nothing else: nothing that got into it could load or run.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


async def openapi(_: web.Request) -> web.Response:
    return web.json_response(document(), dumps=_dumped)


async def docs(_: web.Request) -> web.Response:
    return web.Response(text=page(), content_type="text/html", headers={"Content-Security-Policy": _POLICY})


def _dumped(body: object) -> str:
    return json.dumps(body, ensure_ascii=False)


ROUTES = [
    web.get("/openapi.json", openapi),
    web.get("/docs", docs),
]
