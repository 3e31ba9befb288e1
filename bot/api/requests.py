"""Parses HTTP requests: path, query, headers and JSON bodies, once, into models. Every fault is a 4xx problem.

Handlers never see a raw request body. The models reject unknown fields, so a misspelt one cannot be ignored, and they
are also the source of `/openapi.json`.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal, TypeVar

from aiohttp import web
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError
from pydantic_core import from_json

from bot.api import cursors
from bot.api.problem_types import Fault, meaning_of
from bot.api.problems import Problem, field_problem, raise_not_found, validation_problem
from rules.canonical import MAX_INTEGER
from rules.package.fields import ActionType, Id, Sentence
from rules.package.model import DecisionPackage
from rules.package.text_types import VISIBLE
from rules.record.evidence import parse_strict_json
from rules.state.model import Status
from rules.trace_context import TraceContext, parse_trace

MAX_BODY = 256 * 1024  # bytes
MAX_WAIT = 30  # seconds
MAX_QUOTED = 300  # characters of a parser's message, which may quote the body

M = TypeVar("M", bound=BaseModel)


class RequestShape(BaseModel):
    """Base of request models: immutable, and unknown fields are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")


PACKAGE_ID = r"^pkg_[0-9a-z]{1,60}$"
_PACKAGE_ID = re.compile(PACKAGE_ID)

ClaimId = Annotated[str, StringConstraints(strict=True, max_length=200, pattern=r"^[!-~]+$")]
Digest = Annotated[str, StringConstraints(strict=True, pattern=r"^sha256:[0-9a-f]{64}$")]
PackageCursor = Annotated[str, StringConstraints(pattern=cursors.PACKAGE_PATTERN)]


def _whole_number(number: object) -> object:
    """Accept 1.0 for 1: in JSON they are the same number."""
    return int(number) if isinstance(number, float) and number.is_integer() else number


_Version = Annotated[int, Field(ge=1, le=MAX_INTEGER, strict=True)]
Version = Annotated[_Version, BeforeValidator(_whole_number, json_schema_input_type=_Version)]


class NewVersionRequest(DecisionPackage):
    """A decision package, and the version that it answers."""

    expected_package_version: Version


class CancelRequest(RequestShape):
    """Why the agent no longer wants it."""

    reason: Sentence


class MessageRequest(RequestShape):
    """A message to the people who read the package."""

    text: Annotated[str, Field(strict=True, max_length=3000), VISIBLE]
    in_reply_to: Annotated[str, Field(strict=True, max_length=255), VISIBLE] | None = None


class ClaimRequest(RequestShape):
    """Takes the permission, once."""

    state: Literal["claimed"]
    claim_id: ClaimId
    action_digest: Digest


class ReportRequest(RequestShape):
    """Says what came of it."""

    state: Literal["succeeded", "failed", "rolled_back"]
    claim_id: ClaimId
    detail: Sentence | None = None


class WaitQuery(RequestShape):
    wait: Annotated[float, Field(ge=0, le=MAX_WAIT, allow_inf_nan=False)] = 0


class ListQuery(RequestShape):
    status: Status | None = None
    thread_id: Id | None = None
    action_type: ActionType | None = None
    cursor: PackageCursor | None = None
    limit: Annotated[int, Field(ge=1, le=100)] = 20


class MessagesQuery(RequestShape):
    cursor: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,9}$")] | None = None
    limit: Annotated[int, Field(ge=1, le=100)] = 50


class HistoryQuery(RequestShape):
    cursor: Annotated[str, StringConstraints(pattern=cursors.EVENT_PATTERN)] | None = None
    limit: Annotated[int, Field(ge=1, le=500)] = 200


async def read_json(request: web.Request) -> object:
    """Parse the body as JSON in UTF-8, with limits on size and depth, and without NaN or infinity."""
    if request.content_length is not None and request.content_length > MAX_BODY:
        raise too_large_problem()
    try:
        raw = await request.read()
    except (web.RequestPayloadError, ConnectionResetError):
        raise Problem(Fault.BAD_REQUEST, "The body ends too early, or is not encoded as its headers say.") from None
    try:
        text = raw.decode("utf-8")
        body = from_json(raw, allow_inf_nan=False)
        parse_strict_json(text)  # `from_json` is stricter, but it accepts a member name twice
    except UnicodeDecodeError:
        raise Problem(Fault.NOT_JSON, "The body must be JSON in UTF-8.") from None
    except ValueError as fault:
        raise Problem(Fault.NOT_JSON, f"The body is not JSON: {str(fault)[:MAX_QUOTED]}.") from None
    return body


def too_large_problem() -> Problem:
    detail = meaning_of(Fault.TOO_LARGE).format(most=MAX_BODY // 1024)
    return Problem(Fault.TOO_LARGE, detail)


def package_id(request: web.Request) -> str:
    """Return the id in the path. If it cannot be an id, answer 404 without a query to the database."""
    text = request.match_info["id"]
    if not _PACKAGE_ID.fullmatch(text):
        raise_not_found()
    return text


async def parse_body(request: web.Request, model: type[M]) -> M:
    return validate(await read_json(request), model)


def validate(body: object, model: type[M]) -> M:
    if not isinstance(body, dict):
        raise field_problem("body", "must be a JSON object")
    try:
        return model.model_validate(body)
    except ValidationError as faults:
        raise validation_problem(faults) from None


def parse_query(request: web.Request, model: type[M]) -> M:
    """Parse the query. Each name may be given once."""
    query = request.query
    repeated = [name for name in query if len(query.getall(name)) > 1]
    if repeated:
        raise field_problem(f"query.{repeated[0]}", "may be given once")
    try:
        return model.model_validate(dict(query))
    except ValidationError as faults:
        raise validation_problem(faults, "query") from None


def idempotency_key(request: web.Request, package: DecisionPackage | None = None) -> str | None:
    """Return the key from the header or the body; if both have one, they must be equal."""
    header = request.headers.get("Idempotency-Key")
    in_body = package.idempotency_key if package else None
    if header is not None and not (header.isascii() and header.isprintable() and 0 < len(header) <= 255):  # noqa: PLR2004
        raise field_problem("Idempotency-Key", "must be 1 to 255 printable ASCII characters")
    if header and in_body and header != in_body:
        raise field_problem("idempotency_key", "differs from the Idempotency-Key header")
    return header or in_body


def seen_revision(request: web.Request) -> int | None:
    """Return the revision in If-None-Match, or None if it is not one of our ETags."""
    tag = request.headers.get("If-None-Match", "").removeprefix("W/").strip('"')
    return int(tag) if tag.isascii() and tag.isdigit() and len(tag) < 12 else None  # noqa: PLR2004


def trace_of(request: web.Request) -> TraceContext | None:
    """Return the trace that the agent's request is part of. Invalid headers are ignored."""
    parents = request.headers.getall("traceparent", ())
    return parse_trace(parents, request.headers.getall("tracestate", ())) if parents else None
