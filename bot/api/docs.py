"""Where the API is described: to machines at `/openapi.json`, to people at `/docs`.

`/docs` is Swagger UI with the document inside. It loads nothing, so it works without a network. Its policy names its
scripts by their digests: no other script runs, and requests that a reader tries go to this service only.
"""

from __future__ import annotations

import json
from base64 import b64encode
from functools import cache
from hashlib import sha256
from importlib.metadata import distribution
from pathlib import Path
from string import Template

from aiohttp import web

from bot.api.openapi import document

_HERE = Path(__file__).parent
_START = """SwaggerUIBundle({
  spec: JSON.parse(document.getElementById("document").textContent),
  domNode: document.getElementById("docs"),
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  validatorUrl: null,
})"""


async def openapi(_: web.Request) -> web.Response:
    return web.json_response(document(), dumps=_dumped)


async def docs(_: web.Request) -> web.Response:
    return web.Response(text=page(), content_type="text/html", headers={"Content-Security-Policy": policy()})


@cache
def page() -> str:
    parts = {
        "library": _library("swagger_bundle.js"),
        "library_style": _library("swagger_style.css"),
        "style": (_HERE / "docs.css").read_text(),
        "document": _dumped(document()).replace("<", r"\u003c"),  # so that no text in it ends the element
        "start": _START,
    }
    return Template((_HERE / "docs.html").read_text()).substitute(parts)


@cache
def policy() -> str:
    scripts = " ".join(f"'sha256-{_digest(script)}'" for script in (_library("swagger_bundle.js"), _START))
    # Swagger UI sets styles on its elements, and its pictures are data URLs.
    return (
        f"default-src 'none'; script-src {scripts}; style-src 'unsafe-inline'; img-src data:; connect-src 'self';"
        " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def _library(name: str) -> str:
    """A file of offapi. The package is not imported: it would build pages of its own, of 9 MB."""
    return Path(str(distribution("offapi").locate_file(f"offapi/{name}"))).read_text()


def _digest(script: str) -> str:
    return b64encode(sha256(script.encode()).digest()).decode()


def _dumped(body: object) -> str:
    return json.dumps(body, ensure_ascii=False)


ROUTES = [
    web.get("/openapi.json", openapi),
    web.get("/docs", docs),
]
