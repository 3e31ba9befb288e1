"""What all handlers share: ids of commands from idempotency keys, and answers in JSON."""

from __future__ import annotations

from aiohttp import web
from pydantic_core import to_json

from bot.api.authentication import AGENT
from bot.api.requests import RequestShape
from rules.canonical import sha256_of
from rules.package.model import DecisionPackage
from rules.record.status_document import Document
from store.installation.installation import fresh_id


def command_id_of(request: web.Request, key: str | None) -> str:
    """With an idempotency key, the same agent and path give the same command id; without one, it is a new id."""
    return f"key:{sha256_of([request[AGENT].agent_id, request.path, key])}" if key else f"cmd_{fresh_id()}"


def digest_of(body: DecisionPackage | RequestShape) -> str:
    """Identify the content of a request: the same idempotency key with other content is refused."""
    return sha256_of(body.model_dump(mode="json", exclude={"idempotency_key"}, exclude_unset=True))


def json_response(body: Document, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    headers = (headers or {}) | etag(body)
    return web.Response(
        body=to_json(body), status=status, content_type="application/json", charset="utf-8", headers=headers
    )


def etag(body: Document) -> dict[str, str]:
    return {"ETag": f'"{body["revision"]}"'} if "revision" in body else {}
