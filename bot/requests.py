"""What comes in over HTTP, parsed once: who asks, which body, which query. Every fault is a clear 4xx."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Literal, TypeVar

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from pydantic_core import from_json

from bot.problems import Problem, invalid, wrong
from rules.commands import Words
from rules.package import DecisionPackage
from rules.state import Status

MAX_BODY = 256 * 1024
WAIT_AT_MOST = 30

M = TypeVar("M", bound=BaseModel)


class Shape(BaseModel):
    """What a request may hold, and nothing else."""

    model_config = ConfigDict(frozen=True, extra="forbid")


Identifier = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[\x21-\x7e]+$")]
Line = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]+$")]


class NewVersionRequest(DecisionPackage):
    """A decision package, and the version that it answers."""

    expected_package_version: Annotated[int, Field(ge=1, strict=True)]


class CancelRequest(Shape):
    """Why the agent no longer wants it."""

    reason: Words


class ClaimRequest(Shape):
    """Takes the permission, once."""

    state: Literal["claimed"]
    claim_id: Identifier
    action_digest: Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]


class ReportRequest(Shape):
    """Says what came of it."""

    state: Literal["succeeded", "failed", "rolled_back"]
    claim_id: Identifier
    detail: Words | None = None


class WaitQuery(Shape):
    wait: Annotated[float, Field(ge=0, le=WAIT_AT_MOST, allow_inf_nan=False)] = 0


class ListQuery(Shape):
    status: Status | None = None
    thread_id: Line | None = None
    action_type: Line | None = None
    cursor: Line | None = None
    limit: Annotated[int, Field(ge=1, le=100)] = 20


async def body_of(request: web.Request) -> object:
    """The body as JSON: UTF-8, finite, not too deep, not too big."""
    if request.content_length is not None and request.content_length > MAX_BODY:
        raise too_large()
    raw = await request.read()
    try:
        raw.decode("utf-8")
        return from_json(raw, allow_inf_nan=False)
    except UnicodeDecodeError:
        raise Problem(HTTPStatus.BAD_REQUEST, "not-json", "The body must be JSON in UTF-8.") from None
    except ValueError as fault:
        raise Problem(HTTPStatus.BAD_REQUEST, "not-json", f"The body is not JSON: {fault}.") from None


def too_large() -> Problem:
    detail = f"A body may have {MAX_BODY // 1024} KB; put what is larger behind a link in evidence_refs."
    return Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too-large", detail, headers={"Connection": "close"})


async def parsed(request: web.Request, model: type[M]) -> M:
    return shaped(await body_of(request), model)


def shaped(body: object, model: type[M]) -> M:
    if not isinstance(body, dict):
        raise wrong("body", "must be a JSON object")
    try:
        return model.model_validate(body)
    except ValidationError as faults:
        raise invalid(faults) from None


def query_of(request: web.Request, model: type[M]) -> M:
    """The query, each name at most once."""
    given = request.query
    twice = [name for name in given if len(given.getall(name)) > 1]
    if twice:
        raise wrong(f"query.{twice[0]}", "may be given once")
    try:
        return model.model_validate(dict(given))
    except ValidationError as faults:
        raise invalid(faults, "query") from None


def idempotency_key(request: web.Request, package: DecisionPackage | None = None) -> str | None:
    """From the header or from the body; where both speak they must agree."""
    header = request.headers.get("Idempotency-Key")
    written = package.idempotency_key if package else None
    if header is not None and not (header.isascii() and header.isprintable() and 0 < len(header) <= 255):  # noqa: PLR2004
        raise wrong("Idempotency-Key", "must be 1 to 255 printable ASCII characters")
    if header and written and header != written:
        raise wrong("idempotency_key", "differs from the Idempotency-Key header")
    return header or written


def seen_revision(request: web.Request) -> int | None:
    """The revision that the caller has: from If-None-Match, where it is one of ours."""
    tag = request.headers.get("If-None-Match", "").removeprefix("W/").strip('"')
    return int(tag) if tag.isascii() and tag.isdigit() and len(tag) < 12 else None  # noqa: PLR2004
