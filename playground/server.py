"""The stand-in as a server: a plain aiohttp application for a workspace."""

from __future__ import annotations

from aiohttp import web

from playground.api import responses, web_api
from playground.api.socket_mode import Sockets
from playground.browser.browsing import Browsing
from playground.model.workspace import Workspace

MAX_REQUEST = 4 * 1024 * 1024  # far above Slack's limits, so that Slack's rules refuse a request and not the server


def routes(slack: Workspace, sockets: Sockets) -> list[web.RouteDef]:
    """Complete paths, to be added to an application as they are."""
    call = web_api.web_api_handler(slack)
    return [
        web.get("/playground/api/{method}", call),
        web.post("/playground/api/{method}", call),
        web.post("/playground/response/{key}", responses.response_url_handler(slack)),
        web.get("/playground/link/", sockets.handle),
    ]


def application(slack: Workspace, sockets: Sockets | None = None, browsing: Browsing | None = None) -> web.Application:
    app = web.Application(client_max_size=MAX_REQUEST)
    app.add_routes(routes(slack, sockets or Sockets(slack)))
    if browsing:
        app.add_routes(browsing.routes())
    return app
