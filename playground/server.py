"""The stand-in as a server: a plain aiohttp application over a workspace."""

from __future__ import annotations

from aiohttp import web

from playground.api import responses, web_api
from playground.api.socket_mode import Sockets
from playground.browser.browsing import Browsing
from playground.model.workspace import Workspace

LARGEST = 4 * 1024 * 1024  # far over what Slack takes, so that it is refused by Slack's rules and not by ours


def routes(slack: Workspace, sockets: Sockets) -> list[web.RouteDef]:
    """To be mounted where they stand: their paths are whole."""
    call = web_api.handler(slack)
    return [
        web.get("/playground/api/{method}", call),
        web.post("/playground/api/{method}", call),
        web.post("/playground/response/{key}", responses.handler(slack)),
        web.get("/playground/link/", sockets.handle),
    ]


def application(slack: Workspace, sockets: Sockets | None = None, browsing: Browsing | None = None) -> web.Application:
    app = web.Application(client_max_size=LARGEST)
    app.add_routes(routes(slack, sockets or Sockets(slack)))
    if browsing:
        app.add_routes(browsing.routes())
    return app
