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
    """Answers 204 once `on_callback` is done. If it raises, that is a 500, and the service sends it again later."""

    async def endpoint(request: Request) -> Response:
        body = await _read(request)
        if body is None:
            return Response(status_code=HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        try:
            callback = verify_callback(body, request.headers, secret)
        except CallbackError as fault:
            said = f"This is no callback of the service: {fault}."
            return Response(said, status_code=HTTPStatus.UNAUTHORIZED, media_type="text/plain")
        await on_callback(callback)
        return Response(status_code=HTTPStatus.NO_CONTENT)

    # FastAPI reads annotations: here they are names, which it could not find.
    endpoint.__annotations__ = {"request": Request, "return": Response}
    return endpoint


async def _read(request: Request) -> bytes | None:
    """None where it is larger than any callback: a stream need not say beforehand how long it is."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MAX_BODY:
            return None
    return bytes(body)
