"""A handler for aiohttp: `app.router.add_post("/countersign", callback_handler(on_callback))`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus

from aiohttp import web

from countersign.callbacks import MAX_BODY, Callback, verify_callback
from countersign.errors import CallbackError


def callback_handler(
    on_callback: Callable[[Callback], Awaitable[None]], secret: str | Sequence[str] | None = None
) -> Callable[[web.Request], Awaitable[web.Response]]:
    """A handler that verifies a callback, awaits `on_callback`, and answers 204.

    It answers 401 if the signature is wrong. If `on_callback` raises, the answer is 500 and the service sends the
    callback again later. `secret` defaults to COUNTERSIGN_CALLBACK_SECRET.
    """

    async def handle(request: web.Request) -> web.Response:
        if (request.content_length or 0) > MAX_BODY:
            return web.Response(status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        try:
            callback = verify_callback(await request.read(), request.headers, secret)
        except CallbackError as fault:
            return web.Response(status=HTTPStatus.UNAUTHORIZED, text=f"This is no callback of the service: {fault}.")
        await on_callback(callback)
        return web.Response(status=HTTPStatus.NO_CONTENT)

    return handle
