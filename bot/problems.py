"""Errors as RFC 9457 problem details: a stable type, and a sentence that says what to do."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any, NoReturn

from aiohttp import web
from pydantic import ValidationError

from rules.reasons import Reason, Refusal

TYPE = "urn:countersign:problem:"
MEDIA = "application/problem+json"

_STATUS: Mapping[Reason, HTTPStatus] = {
    Reason.NOT_FOUND: HTTPStatus.NOT_FOUND,
    Reason.APPROVAL_LAPSED: HTTPStatus.GONE,
    Reason.NO_ELIGIBLE_REVIEWER: HTTPStatus.UNPROCESSABLE_ENTITY,
    Reason.QUALITY_GAPS: HTTPStatus.UNPROCESSABLE_ENTITY,
    Reason.ALREADY_EXPIRED: HTTPStatus.UNPROCESSABLE_ENTITY,
    Reason.KEEPS_ITS_SUBJECT: HTTPStatus.UNPROCESSABLE_ENTITY,
    Reason.IDEMPOTENCY_CONFLICT: HTTPStatus.UNPROCESSABLE_ENTITY,
    Reason.DIRECTORY_STALE: HTTPStatus.SERVICE_UNAVAILABLE,
    Reason.TOO_BUSY: HTTPStatus.SERVICE_UNAVAILABLE,
}
_FIELDS: Mapping[Reason, str] = {Reason.QUALITY_GAPS: "gaps", Reason.KEEPS_ITS_SUBJECT: "fields"}


class Problem(Exception):  # noqa: N818 - the word of RFC 9457
    """Raised anywhere below a handler, and answered by the one middleware."""

    def __init__(
        self,
        status: HTTPStatus,
        kind: str,
        detail: str,
        *,
        errors: Iterable[Mapping[str, str]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status, self.kind, self.detail = status, kind, detail
        self.errors, self.headers = list(errors), dict(headers or {})

    def response(self) -> web.Response:
        body: dict[str, Any] = {
            "type": TYPE + self.kind,
            "title": self.status.phrase,
            "status": self.status.value,
            "detail": self.detail,
        }
        if self.errors:
            body["errors"] = self.errors
        text = json.dumps(body)
        return web.Response(status=self.status, text=text, content_type=MEDIA, headers=self.headers)


def refused(refusal: Refusal) -> Problem:
    """A refusal of the rules, as an agent is told of it."""
    status = _STATUS.get(refusal.reason, HTTPStatus.CONFLICT)
    fields = refusal.facts.get(_FIELDS.get(refusal.reason, ""), "")
    errors = [{"field": name, "message": "see detail"} for name in fields.split(", ") if name]
    headers = {"Retry-After": "5"} if status is HTTPStatus.SERVICE_UNAVAILABLE else {}
    return Problem(status, refusal.reason.value, refusal.sentence, errors=errors, headers=headers)


def invalid(faults: ValidationError, where: str = "") -> Problem:
    """Every wrong field by its name, with what would have been right."""
    errors = [
        {"field": _field(fault["loc"], where), "message": fault["msg"].removeprefix("Value error, ")}
        for fault in faults.errors(include_url=False, include_input=False, include_context=False)
    ]
    first = f"{errors[0]['field']}: {errors[0]['message']}"
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", first + more, errors=errors)


def wrong(field: str, message: str) -> Problem:
    """One wrong field that no model could see."""
    errors = [{"field": field, "message": message}]
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", f"{field}: {message}", errors=errors)


def _field(loc: tuple[int | str, ...], where: str) -> str:
    return ".".join(str(part) for part in ((where,) if where else ()) + loc) or "body"


def not_found(what: str = "There is nothing at this address; /docs lists what there is.") -> NoReturn:
    raise Problem(HTTPStatus.NOT_FOUND, "not-found", what)
