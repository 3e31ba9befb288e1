"""The types of problem documents: for each, its HTTP status and the sentence that explains it.

Refusals by the rules are `rules.reasons.Reason`, with their sentences there. Faults of HTTP itself are here.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from http import HTTPStatus

from rules.reasons import Reason

TYPE = "urn:countersign:problem:"  # before the name of each type


class Fault(StrEnum):
    """A fault in a request that the rules never see, or a fault of the service."""

    BAD_REQUEST = "bad-request"
    NOT_JSON = "not-json"
    UNAUTHENTICATED = "unauthenticated"
    METHOD_NOT_ALLOWED = "method-not-allowed"
    TOO_LARGE = "too-large"
    INVALID = "invalid"
    INTERNAL = "internal"
    UNAVAILABLE = "unavailable"
    POLICY_UNREADABLE = "policy-unreadable"


Kind = Fault | Reason

_STATUS: Mapping[Kind, HTTPStatus] = {
    Fault.BAD_REQUEST: HTTPStatus.BAD_REQUEST,
    Fault.NOT_JSON: HTTPStatus.BAD_REQUEST,
    Fault.UNAUTHENTICATED: HTTPStatus.UNAUTHORIZED,
    Fault.METHOD_NOT_ALLOWED: HTTPStatus.METHOD_NOT_ALLOWED,
    Fault.TOO_LARGE: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    Fault.INVALID: HTTPStatus.UNPROCESSABLE_ENTITY,
    Fault.INTERNAL: HTTPStatus.INTERNAL_SERVER_ERROR,
    Fault.UNAVAILABLE: HTTPStatus.SERVICE_UNAVAILABLE,
    Fault.POLICY_UNREADABLE: HTTPStatus.SERVICE_UNAVAILABLE,
    Reason.NOT_FOUND: HTTPStatus.NOT_FOUND,
    Reason.THREAD_UNKNOWN: HTTPStatus.NOT_FOUND,
    Reason.HANDOFF_UNKNOWN: HTTPStatus.NOT_FOUND,
    Reason.BEYOND_KEY: HTTPStatus.FORBIDDEN,
    Reason.RATE_LIMITED: HTTPStatus.TOO_MANY_REQUESTS,
    Reason.APPROVAL_LAPSED: HTTPStatus.GONE,
    Reason.REQUESTER_UNKNOWN: HTTPStatus.UNPROCESSABLE_ENTITY,
    Reason.EXCEPTION_NOT_VALID: HTTPStatus.UNPROCESSABLE_ENTITY,
    Reason.NO_ELIGIBLE_REVIEWER: HTTPStatus.UNPROCESSABLE_ENTITY,
    Reason.QUALITY_GAPS: HTTPStatus.UNPROCESSABLE_ENTITY,
    Reason.TOO_LONG_TO_SHOW: HTTPStatus.UNPROCESSABLE_ENTITY,
    Reason.ALREADY_EXPIRED: HTTPStatus.UNPROCESSABLE_ENTITY,
    Reason.KEEPS_ITS_SUBJECT: HTTPStatus.UNPROCESSABLE_ENTITY,
    Reason.UNKNOWN_MESSAGE: HTTPStatus.UNPROCESSABLE_ENTITY,
    Reason.IDEMPOTENCY_CONFLICT: HTTPStatus.UNPROCESSABLE_ENTITY,
    Reason.DIRECTORY_STALE: HTTPStatus.SERVICE_UNAVAILABLE,
    Reason.TOO_BUSY: HTTPStatus.SERVICE_UNAVAILABLE,
}

# `out-of-scope` is already the value of a reason that refuses reviewers, so BEYOND_KEY has another value.
_NAMES: Mapping[Kind, str] = {Reason.BEYOND_KEY: "out-of-scope"}

_MEANING: Mapping[Fault, str] = {
    Fault.BAD_REQUEST: "The request cannot be parsed, or uses a part of HTTP that this service does not support.",
    Fault.NOT_JSON: "The body is not JSON in UTF-8.",
    Fault.UNAUTHENTICATED: "Send the agent's key as `Authorization: Bearer csk_…`; `countersign agents add` makes one.",
    Fault.METHOD_NOT_ALLOWED: "This address does not support that method. /docs lists the methods.",
    Fault.TOO_LARGE: "A body can have at most {most} KB. Link to larger content in evidence_refs.",
    Fault.INVALID: "Fields are missing, unknown or wrong. `errors` names each of them.",
    Fault.INTERNAL: "The service failed, and logged why. Sending it again with its idempotency key is safe.",
    Fault.POLICY_UNREADABLE: "This replica runs a release that cannot read the policy in force, so it decides nothing."
    " Send the same request again, with its idempotency key: another replica may answer.",
    Fault.UNAVAILABLE: "The database does not answer. Send the same request again, with its idempotency key.",
}


def status_of(kind: Kind) -> HTTPStatus:
    """The HTTP status: 409 Conflict for every reason that `_STATUS` does not list."""
    return _STATUS.get(kind, HTTPStatus.CONFLICT)


def name_of(kind: Kind) -> str:
    """The name for agents, which is the last part of the type."""
    return _NAMES.get(kind, kind.value)


def title_of(kind: Kind) -> str:
    return name_of(kind).replace("-", " ").capitalize()


def meaning_of(kind: Kind) -> str:
    """The sentence, with its facts as placeholders in braces."""
    return kind.sentence if isinstance(kind, Reason) else _MEANING[kind]
