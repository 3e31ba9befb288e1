"""An endpoint for FastAPI: `app.add_api_route("/countersign", callback_endpoint(on_callback), methods=["POST"])`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus

from fastapi import Request, Response

from countersign.callbacks import MAX_BODY, Callback, verify_callback
from countersign.errors import CallbackError


def callback_endpoint(
    on_callback: Callable[[Callback], Awaitable[None]], secret: str | Sequence[str] | None = None
) -> Callable[[Request], Awaitable[Response]]:
    """An endpoint that verifies a callback, awaits `on_callback`, and answers 204.

    It answers 401 if the signature is wrong. If `on_callback` raises, the answer is 500 and the service sends the
    callback again later. `secret` defaults to COUNTERSIGN_CALLBACK_SECRET.
    """

    async def endpoint(request: Request) -> Response:
        body = await _read(request)
        if body is None:
            return Response(status_code=HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        try:
            callback = verify_callback(body, request.headers, secret)
        except CallbackError as fault:
            text = f"This is no callback of the service: {fault}."
            return Response(text, status_code=HTTPStatus.UNAUTHORIZED, media_type="text/plain")
        await on_callback(callback)
        return Response(status_code=HTTPStatus.NO_CONTENT)

    # FastAPI evaluates annotations. In this module they are strings, whose names FastAPI cannot resolve.
    endpoint.__annotations__ = {"request": Request, "return": Response}
    return endpoint


async def _read(request: Request) -> bytes | None:
    """The body; None if it is larger than any callback. A streamed body does not state its length beforehand."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MAX_BODY:
            return None
    return bytes(body)
