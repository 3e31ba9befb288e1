"""Errors as RFC 9457 problem details: a stable type, and a sentence that says what to do."""

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
TOLD_AT_MOST = 100
LONGEST_NAME = 200

# The fact that holds the names of the wrong fields; and the field, where it is always the same.
_FIELDS: Mapping[Reason, str] = {
    Reason.QUALITY_GAPS: "gaps",
    Reason.KEEPS_ITS_SUBJECT: "fields",
    Reason.TOO_LONG_TO_SHOW: "field",
    Reason.REQUESTER_UNKNOWN: "fields",
    Reason.BEYOND_KEY: "field",
}
_FIELD: Mapping[Reason, str] = {Reason.ALREADY_EXPIRED: "expires_at"}
_RETRY_AFTER: Mapping[Kind, str] = {
    Reason.DIRECTORY_STALE: "60",
    Reason.TOO_BUSY: "1",
    Fault.UNAVAILABLE: "2",
    Fault.POLICY_UNREADABLE: "30",
}

# Where the next request on the connection would begin is not known after these, or not worth reading on for.
_LAST = (Fault.BAD_REQUEST, Fault.TOO_LARGE)


class Problem(Exception):  # noqa: N818 - the word of RFC 9457
    """Raised anywhere below a handler, and answered by the one middleware."""

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
        if self.kind in _LAST:
            response.force_close()
        return response


def refused(refusal: Refusal) -> Problem:
    """A refusal of the rules, as an agent is told of it."""
    fields = _FIELD.get(refusal.reason) or refusal.facts.get(_FIELDS.get(refusal.reason, ""), "")
    errors = [{"field": name, "message": "see detail"} for name in fields.split(", ") if name]
    if refusal.reason is Reason.ALREADY_REJECTED:
        errors.append({"field": "material_change", "message": f"say what changed since {refusal.facts['package']}"})
    again = {"Retry-After": refusal.facts["after"]} if refusal.reason is Reason.RATE_LIMITED else None
    return Problem(refusal.reason, refusal.sentence, errors=errors, package=refusal.facts.get("package"), headers=again)


def invalid(faults: ValidationError, where: str = "") -> Problem:
    """Every wrong field by its name, with what would have been right."""
    found = faults.errors(include_url=False, include_input=False, include_context=False)
    errors = [_one(fault, where) for fault in found[:TOLD_AT_MOST]]
    first = f"{errors[0]['field']}: {errors[0]['message']}"
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    return Problem(Fault.INVALID, first + more, errors=errors)


def wrong(field: str, message: str) -> Problem:
    """One wrong field that no model could see."""
    return Problem(Fault.INVALID, f"{field}: {message}", errors=[{"field": field, "message": message}])


def _one(fault: ErrorDetails, where: str) -> dict[str, str]:
    return {"field": _field(fault["loc"], where), "message": fault["msg"].removeprefix("Value error, ")}


def _field(loc: tuple[int | str, ...], where: str) -> str:
    """Its path. The name of an unknown field is the caller's own, and may be of any length."""
    path = ".".join(str(part) for part in ((where,) if where else ()) + loc)
    return path[:LONGEST_NAME] or "body"


def not_found() -> NoReturn:
    raise Problem(Reason.NOT_FOUND)
