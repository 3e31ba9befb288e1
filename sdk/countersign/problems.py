"""The error for each problem type (RFC 9457) with which the service refuses a request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from countersign.errors import (
    AgentPausedError,
    AlreadyClaimedError,
    AlreadyDecidedError,
    AlreadyRejectedError,
    ApprovalLapsedError,
    ApprovalNoLongerValidError,
    DigestMismatchError,
    HandoffError,
    IdempotencyConflictError,
    InvalidProposalError,
    MayNotProceedError,
    NoEligibleReviewerError,
    NotFoundError,
    OutOfScopeError,
    ProblemError,
    RateLimitedError,
    StaleVersionError,
    ThreadCancelledError,
    ThreadHeldError,
    ThreadTakenOverError,
    UnauthenticatedError,
)

_PROBLEMS: Mapping[str, type[ProblemError]] = {
    "unauthenticated": UnauthenticatedError,
    "rate-limited": RateLimitedError,
    "out-of-scope": OutOfScopeError,
    "invalid": InvalidProposalError,
    "quality-gaps": InvalidProposalError,
    "too-long-to-show": InvalidProposalError,
    "not-found": NotFoundError,
    "no-eligible-reviewer": NoEligibleReviewerError,
    "already-rejected": AlreadyRejectedError,
    "thread-taken-over": ThreadTakenOverError,
    "thread-held": ThreadHeldError,
    "thread-cancelled": ThreadCancelledError,
    "thread-unknown": NotFoundError,
    "handoff-not-allowed": HandoffError,
    "handoff-needs-person": HandoffError,
    "handoff-not-open": HandoffError,
    "handoff-unknown": NotFoundError,
    "agent-paused": AgentPausedError,
    "idempotency-conflict": IdempotencyConflictError,
    "stale-version": StaleVersionError,
    "already-decided": AlreadyDecidedError,
    "may-not-proceed": MayNotProceedError,
    "digest-mismatch": DigestMismatchError,
    "already-claimed": AlreadyClaimedError,
    "approval-lapsed": ApprovalLapsedError,
    "approval-no-longer-valid": ApprovalNoLongerValidError,
}


def problem(status: int, body: Mapping[str, Any], unknown: type[ProblemError] = ProblemError) -> ProblemError:
    """The error for a problem document (RFC 9457). Any part of the document may be missing or have another type."""
    kind = str(body.get("type", "")).rpartition(":")[2] or "unknown"
    errors, package = body.get("errors"), body.get("package")
    return _PROBLEMS.get(kind, unknown)(
        status,
        kind,
        str(body.get("detail", "")),
        tuple(error for error in errors if isinstance(error, dict)) if isinstance(errors, list) else (),
        package if isinstance(package, str) else None,
    )
