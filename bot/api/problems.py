"""Errors as RFC 9457 problem documents: a stable type, and a sentence that says what to do.

A kind of problem is a `Fault` of HTTP or a `Reason` of the rules; `problem_types` gives each a status and a title.
Handlers raise a `Problem`, and the middleware `answer_problems` of `bot.web` answers with it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, NoReturn

from aiohttp import web
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from bot.api.problem_types import TYPE, Fault, Kind, meaning_of, name_of, status_of, title_of
from rules.reasons import Reason, Refusal

MEDIA = "application/problem+json"
MAX_ERRORS = 100
MAX_FIELD_NAME = 200

# For refusals about fields: the fact that holds their names, or the name itself if it is always the same.
_FIELDS_FACT: Mapping[Reason, str] = {
    Reason.QUALITY_GAPS: "gaps",
    Reason.KEEPS_ITS_SUBJECT: "fields",
    Reason.TOO_LONG_TO_SHOW: "field",
    Reason.REQUESTER_UNKNOWN: "fields",
    Reason.BEYOND_KEY: "field",
    Reason.EXCEPTION_NOT_VALID: "field",
}
_FIELD: Mapping[Reason, str] = {Reason.ALREADY_EXPIRED: "expires_at", Reason.UNKNOWN_MESSAGE: "in_reply_to"}
_RETRY_AFTER: Mapping[Kind, str] = {
    Reason.DIRECTORY_STALE: "60",
    Reason.TOO_BUSY: "1",
    Fault.UNAVAILABLE: "2",
    Fault.POLICY_UNREADABLE: "30",
}

# After these the connection is closed: where its next request begins is unknown, or too far to read on.
_CLOSES_CONNECTION = (Fault.BAD_REQUEST, Fault.TOO_LARGE)


class Problem(Exception):  # noqa: N818 - the word of RFC 9457
    """Raised anywhere below a handler; the middleware `answer_problems` turns it into a response."""

    def __init__(
        self,
        kind: Kind,
        detail: str | None = None,
        *,
        errors: Iterable[Mapping[str, str]] = (),
        package: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.kind, self.detail = kind, meaning_of(kind) if detail is None else detail
        super().__init__(self.detail)
        retry = {"Retry-After": _RETRY_AFTER[kind]} if kind in _RETRY_AFTER else {}
        self.errors, self.package, self.headers = list(errors), package, retry | dict(headers or {})

    def response(self) -> web.Response:
        """The problem as a response. After some kinds the connection is closed."""
        status = status_of(self.kind)
        body: dict[str, Any] = {
            "type": TYPE + name_of(self.kind),
            "title": title_of(self.kind),
            "status": status.value,
            "detail": self.detail,
        }
        if self.errors:
            body["errors"] = self.errors
        if self.package:
            body["package"] = self.package
        response = web.Response(status=status, text=json.dumps(body), content_type=MEDIA, headers=self.headers)
        if self.kind in _CLOSES_CONNECTION:
            response.force_close()
        return response


def refusal_problem(refusal: Refusal) -> Problem:
    """The problem for a refusal by the rules."""
    fields = _FIELD.get(refusal.reason) or refusal.facts.get(_FIELDS_FACT.get(refusal.reason, ""), "")
    errors = [{"field": name, "message": "see detail"} for name in fields.split(", ") if name]
    if refusal.reason is Reason.ALREADY_REJECTED:
        errors.append({"field": "material_change", "message": f"say what changed since {refusal.facts['package']}"})
    retry = {"Retry-After": refusal.facts["after"]} if refusal.reason is Reason.RATE_LIMITED else None
    return Problem(refusal.reason, refusal.sentence, errors=errors, package=refusal.facts.get("package"), headers=retry)


def validation_problem(faults: ValidationError, prefix: str = "") -> Problem:
    """The problem that lists every wrong field. `prefix` is `query` for the query."""
    details = faults.errors(include_url=False, include_input=False, include_context=False)
    errors = [_error_entry(detail, prefix) for detail in details[:MAX_ERRORS]]
    first = f"{errors[0]['field']}: {errors[0]['message']}"
    more = f" (and {len(details) - 1} more)" if len(details) > 1 else ""
    return Problem(Fault.INVALID, first + more, errors=errors)


def field_problem(field: str, message: str) -> Problem:
    """The problem for one wrong field that no model checks."""
    return Problem(Fault.INVALID, f"{field}: {message}", errors=[{"field": field, "message": message}])


def _error_entry(detail: ErrorDetails, prefix: str) -> dict[str, str]:
    return {"field": _field_path(detail["loc"], prefix), "message": detail["msg"].removeprefix("Value error, ")}


def _field_path(loc: tuple[int | str, ...], prefix: str) -> str:
    """Join the parts. The path is cut, because the caller chose the name of an unknown field."""
    path = ".".join(str(part) for part in ((prefix,) if prefix else ()) + loc)
    return path[:MAX_FIELD_NAME] or "body"


def raise_not_found() -> NoReturn:
    raise Problem(Reason.NOT_FOUND)
