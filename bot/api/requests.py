"""What comes in over HTTP, parsed once: who asks, which body, which query. Every fault is a clear 4xx."""

from __future__ import annotations

import re
from typing import Annotated, Literal, TypeVar

from aiohttp import web
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError
from pydantic_core import from_json

from bot.api import cursors
from bot.api.problem_types import Fault, meaning_of
from bot.api.problems import Problem, invalid, not_found, wrong
from rules.canonical import MAX_INTEGER
from rules.package.model import ActionType, DecisionPackage, Id, Sentence
from rules.record.evidence import parse_strict_json
from rules.state.model import Status

MAX_BODY = 256 * 1024
WAIT_AT_MOST = 30
LONGEST = 300  # characters of a sentence that repeats what was sent

M = TypeVar("M", bound=BaseModel)


class Shape(BaseModel):
    """What a request may hold, and nothing else."""

    model_config = ConfigDict(frozen=True, extra="forbid")


PACKAGE_ID = r"^pkg_[0-9a-z]{1,60}$"
_PACKAGE_ID = re.compile(PACKAGE_ID)

ClaimId = Annotated[str, StringConstraints(strict=True, max_length=200, pattern=r"^[!-~]+$")]
Digest = Annotated[str, StringConstraints(strict=True, pattern=r"^sha256:[0-9a-f]{64}$")]
Cursor = Annotated[str, StringConstraints(pattern=cursors.PATTERN)]


def _whole(number: object) -> object:
    """In JSON, 1.0 is the same number as 1."""
    return int(number) if isinstance(number, float) and number.is_integer() else number


_Version = Annotated[int, Field(ge=1, le=MAX_INTEGER, strict=True)]
Version = Annotated[_Version, BeforeValidator(_whole, json_schema_input_type=_Version)]


class NewVersionRequest(DecisionPackage):
    """A decision package, and the version that it answers."""

    expected_package_version: Version


class CancelRequest(Shape):
    """Why the agent no longer wants it."""

    reason: Sentence


class ClaimRequest(Shape):
    """Takes the permission, once."""

    state: Literal["claimed"]
    claim_id: ClaimId
    action_digest: Digest


class ReportRequest(Shape):
    """Says what came of it."""

    state: Literal["succeeded", "failed", "rolled_back"]
    claim_id: ClaimId
    detail: Sentence | None = None


class WaitQuery(Shape):
    wait: Annotated[float, Field(ge=0, le=WAIT_AT_MOST, allow_inf_nan=False)] = 0


class ListQuery(Shape):
    status: Status | None = None
    thread_id: Id | None = None
    action_type: ActionType | None = None
    cursor: Cursor | None = None
    limit: Annotated[int, Field(ge=1, le=100)] = 20


async def body_of(request: web.Request) -> object:
    """The body as JSON: UTF-8, finite, not too deep, not too big."""
    if request.content_length is not None and request.content_length > MAX_BODY:
        raise too_large()
    try:
        raw = await request.read()
    except (web.RequestPayloadError, ConnectionResetError):
        raise Problem(Fault.BAD_REQUEST, "The body ends too early, or is not encoded as its headers say.") from None
    try:
        text = raw.decode("utf-8")
        body = from_json(raw, allow_inf_nan=False)
        parse_strict_json(text)  # from_json is the stricter reader, but of two members with one name it takes the last
    except UnicodeDecodeError:
        raise Problem(Fault.NOT_JSON, "The body must be JSON in UTF-8.") from None
    except ValueError as fault:
        raise Problem(Fault.NOT_JSON, f"The body is not JSON: {str(fault)[:LONGEST]}.") from None
    return body


def too_large() -> Problem:
    detail = meaning_of(Fault.TOO_LARGE).format(most=MAX_BODY // 1024)
    return Problem(Fault.TOO_LARGE, detail)


def package_id(request: web.Request) -> str:
    """From the address. What cannot be an id of ours is nobody's, and is not asked of the database."""
    given = request.match_info["id"]
    return given if _PACKAGE_ID.fullmatch(given) else not_found()


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
