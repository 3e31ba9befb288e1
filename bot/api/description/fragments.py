"""Fixed parts of `/openapi.json`: headers, parameters in paths, and the callback.

A route names the headers that it takes and answers with (`takes`, `headers`), and `openapi` puts these texts in their
place.
"""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter

from bot.api.description.schema import REFERENCE
from bot.api.requests import PACKAGE_ID
from rules.package.fields import Id

Json = dict[str, Any]

HEADERS: dict[str, Json] = {
    "ETag": {"description": "The revision.", "schema": {"type": "string", "pattern": '^"[0-9]+"$'}},
    "Location": {
        "description": "The address of the package.",
        "schema": {"type": "string", "pattern": "^/v1/packages/pkg_"},
    },
    "Retry-After": {
        "description": "Seconds to wait before the next request.",
        "schema": {"type": "string", "pattern": "^[0-9]+$"},
    },
    "Idempotent-Replayed": {
        "description": "The request was answered before. Nothing was done twice.",
        "schema": {"type": "string", "enum": ["true"]},
    },
    "WWW-Authenticate": {"description": "How to authenticate.", "schema": {"type": "string"}},
}

REQUEST_HEADERS: dict[str, Json] = {
    "Idempotency-Key": {
        "description": "Your own key for this request. The same key with the same content gets the same answer; with"
        " other content it is refused. It counts for your agent and this address.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]([ -~]*[!-~])?$"},
    },
    "If-None-Match": {
        "description": "The last `ETag` that you received. An unknown one is ignored.",
        "schema": {"type": "string"},
        "example": '"1"',
    },
    "traceparent": {
        "description": "The trace of your request, by W3C Trace Context. An invalid one is ignored.",
        "schema": {"type": "string"},
        "example": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    },
    "tracestate": {
        "description": "Belongs to `traceparent`. An invalid one, or one over 512 characters, is ignored.",
        "schema": {"type": "string"},
    },
}


_THREAD_NAME: Json = TypeAdapter(Id).json_schema()
IN_PATH: tuple[Json, ...] = tuple(
    {"name": name, "in": "path", "required": True, "schema": schema, "description": description}
    for name, schema, description in (
        ("id", {"type": "string", "pattern": PACKAGE_ID}, "The package."),
        ("handoff_id", {"type": "string"}, "The handoff."),
        ("thread_id", _THREAD_NAME, "The thread, as your packages name it."),
    )
)

CALLBACK: Json = {
    "operationId": "callback",
    "tags": ["Callbacks"],
    "summary": "Sent when a package, a thread or a handoff changes in a way that its agent must know.",
    "description": "Follows the Standard Webhooks specification. The same `webhook-id` can come twice. The callbacks of"
    " a package arrive in order. A callback permits nothing: claim the execution before you act.",
    "parameters": [
        {
            "name": name,
            "in": "header",
            "required": True,
            "description": description,
            "schema": {"type": "string", "pattern": pattern},
        }
        for name, description, pattern in (
            ("webhook-id", "The same for all attempts.", "^msg_"),
            ("webhook-timestamp", "The time of this attempt, in seconds since 1970.", "^[0-9]+$"),
            (
                "webhook-signature",
                "HMAC-SHA256 of id, timestamp and body, joined by dots; two values while a secret is being replaced.",
                "^v1,[^ ]+( v1,[^ ]+)*$",
            ),
        )
    ],
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "oneOf": [
                        {"$ref": REFERENCE.format(model=model)}
                        for model in ("CallbackBody", "ThreadCallbackBody", "HandoffCallbackBody")
                    ]
                }
            }
        },
    },
    "responses": {
        "2XX": {"description": "Accepted. The body is ignored."},
        "410": {"description": "No more callbacks are sent to this address."},
        "default": {"description": "Any other answer is retried for three days, not before `Retry-After`."},
    },
    "security": [],
}
