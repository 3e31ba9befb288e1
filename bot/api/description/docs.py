"""Serves the API's documentation: `/openapi.json` for machines, `/docs` for people.

`/docs` is Swagger UI with the document embedded. It loads nothing else, so it works without a network. Its Content
Security Policy allows its own scripts by digest and no others, and requests to this service only.
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

from bot.api.description.openapi import openapi_document

_FOLDER = Path(__file__).parent


async def serve_openapi(_: web.Request) -> web.Response:
    return web.json_response(openapi_document(), dumps=_dump_json)


async def serve_docs(_: web.Request) -> web.Response:
    return web.Response(
        text=docs_html(), content_type="text/html", headers={"Content-Security-Policy": content_security_policy()}
    )


@cache
def docs_html() -> str:
    parts = {
        "library": _library_file("swagger_bundle.js"),
        "library_style": _library_file("swagger_style.css"),
        "style": (_FOLDER / "docs.css").read_text(),
        # Without `<`, no text in the document can close the script element that holds it.
        "document": _dump_json(openapi_document()).replace("<", r"\u003c"),
        "start": _start_script(),
    }
    return Template((_FOLDER / "docs.html").read_text()).substitute(parts)


@cache
def content_security_policy() -> str:
    scripts = " ".join(
        f"'sha256-{_digest(script)}'" for script in (_library_file("swagger_bundle.js"), _start_script())
    )
    # Swagger UI sets inline styles, and its images are data URLs.
    return (
        f"default-src 'none'; script-src {scripts}; style-src 'unsafe-inline'; img-src data:; connect-src 'self';"
        " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def _library_file(name: str) -> str:
    """Read a file of the offapi package without importing it: the import would build pages of 9 MB."""
    return Path(str(distribution("offapi").locate_file(f"offapi/{name}"))).read_text()


def _start_script() -> str:
    return (_FOLDER / "docs.js").read_text()


def _digest(script: str) -> str:
    return b64encode(sha256(script.encode()).digest()).decode()


def _dump_json(body: object) -> str:
    return json.dumps(body, ensure_ascii=False)


ROUTES = [
    web.get("/openapi.json", serve_openapi),
    web.get("/docs", serve_docs),
]
