"""What can go wrong, each with a type of its own: a refusal by people, by the service, and a service out of reach."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from countersign import outcomes
from countersign.outcomes import Outcome


class CountersignError(Exception):
    """Anything that this package raises by itself."""


class ConfigurationError(CountersignError):
    """The client was not told whom to speak to, or as whom."""


class UnreachableError(CountersignError):
    """The service did not answer for as long as the client is patient. Asking again in the same way is safe."""


class StillPendingError(CountersignError, TimeoutError):
    """Only this agent's own patience has ended: nobody has decided, and the package waits on."""

    def __init__(self, message: str, decision_package_id: str) -> None:
        super().__init__(message, decision_package_id)
        self.decision_package_id = decision_package_id

    def __str__(self) -> str:
        return str(self.args[0])


class BadAnswerError(CountersignError):
    """Whoever answered is not a Countersign service that this package understands."""


class MisfitError(CountersignError, ValueError):
    """Arguments that the function cannot take as they are: `parameter` names the one."""

    def __init__(self, parameter: str, message: str) -> None:
        super().__init__(parameter, message)
        self.parameter = parameter

    def __str__(self) -> str:
        return f"{self.args[0]}: {self.args[1]}"


class UngatedToolError(CountersignError, PermissionError):
    """A high-impact tool was called outside a gate."""


class CallbackError(CountersignError):
    """What came in is no callback of the service: answer 401 and do nothing."""


# ---- What the service refuses -----------------------------------------------------------------------------------


class ProblemError(CountersignError):
    """The service refused a request: `kind` is its stable name, `detail` says what to do, `errors` which fields.

    `package` is the id of the package that stands in the way, where one does.
    """

    def __init__(
        self,
        status: int,
        kind: str,
        detail: str,
        errors: tuple[Mapping[str, str], ...] = (),
        package: str | None = None,
    ) -> None:
        super().__init__(status, kind, detail, errors, package)
        self.status, self.kind, self.detail, self.errors, self.package = status, kind, detail, errors, package

    def __str__(self) -> str:
        return f"{self.detail} ({self.status} {self.kind})"


class UnavailableError(ProblemError, UnreachableError):
    """The service answers that it cannot just now, and went on saying so. Asking again in the same way is safe."""


class RateLimitedError(UnavailableError):
    """The agent asks more than it may, and went on being told so. Asking again later in the same way is safe."""


class OutOfScopeError(ProblemError):
    """The agent's key does not cover this action type, requester or risk: `errors` names the field."""


class UnauthenticatedError(ProblemError):
    """The key is wrong, or was revoked."""


class InvalidProposalError(ProblemError):
    """Fields are missing, unknown or wrong."""


class NotFoundError(ProblemError):
    """No package of this agent has that id."""


class NoEligibleReviewerError(ProblemError):
    """Nobody who could decide this exists."""


class AlreadyRejectedError(ProblemError):
    """A person rejected this very action not long ago."""


class ThreadTakenOverError(ProblemError):
    """A person works on this thread: it is read-only until it is handed back."""


class AgentPausedError(ProblemError):
    """Nothing is accepted from this agent for now."""


class IdempotencyConflictError(ProblemError):
    """The key stands for another proposal already."""


class StaleVersionError(ProblemError):
    """Another version came in between."""


class AlreadyDecidedError(ProblemError):
    """It was decided meanwhile."""


class MayNotProceedError(ProblemError):
    """Nothing permits this."""


class ApprovalNoLongerValidError(MayNotProceedError):
    """An approver or the policy changed since the decision. A gate asks people once more by itself."""


class DigestMismatchError(ProblemError):
    """What is about to run is not what was approved."""


class AlreadyClaimedError(ProblemError):
    """Another attempt has taken this permission."""


class ApprovalLapsedError(ProblemError):
    """The permission was not used in time."""


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
    """From a problem document (RFC 9457), of which each part may be missing or something else."""
    kind = str(body.get("type", "")).rpartition(":")[2] or "unknown"
    errors, package = body.get("errors"), body.get("package")
    return _PROBLEMS.get(kind, unknown)(
        status,
        kind,
        str(body.get("detail", "")),
        tuple(each for each in errors if isinstance(each, dict)) if isinstance(errors, list) else (),
        package if isinstance(package, str) else None,
    )


# ---- What a gate does not let through ---------------------------------------------------------------------------


class NotPermittedError(CountersignError):
    """The gated function did not run. `outcome` says all that is known of why."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome)
        self.outcome = outcome

    def __str__(self) -> str:
        said = f" They said: {self.outcome.comment}" if self.outcome.comment else ""
        return f"{self.outcome.decision_package_id}: {self.outcome.message}{said}"


class RejectedError(NotPermittedError):
    """A person said no."""


class OverriddenError(NotPermittedError):
    """A reviewer decided on something else."""


class RevisionWantedError(NotPermittedError):
    """A person wants changes or evidence, and nobody here could give them."""


class TakenOverError(NotPermittedError):
    """A person does it now."""


class RevokedError(NotPermittedError):
    """The permission was withdrawn before it was used."""


class WithdrawnError(NotPermittedError):
    """It was cancelled."""


class ExpiredError(NotPermittedError):
    """Time ran out. Nobody said no."""


class LapsedError(NotPermittedError):
    """It was permitted, and the permission was not used in time."""


class ExecutedError(NotPermittedError):
    """An earlier attempt has done it: once is enough."""


class OutcomeUnknownError(NotPermittedError):
    """An earlier attempt may have done it, whole or in part. Look, before anybody does it again."""

    def __str__(self) -> str:
        claim = self.outcome.document["execution"].get("claim_id", "another")
        return (
            f"{self.outcome.decision_package_id} was claimed by another attempt ({claim}), which has told no outcome:"
            " whether it ran is unknown. It is not run again; look what happened, then report it under that claim_id."
        )


class NotTakenOverError(CountersignError):
    """Nobody holds the thread, so nobody will hand it back. `outcome` says what came of the package instead."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome)
        self.outcome = outcome

    def __str__(self) -> str:
        return f"{self.outcome.decision_package_id}: nobody has taken over. {self.outcome.message}"


class UnreportedError(CountersignError):
    """The function has run, and the service could not be told: `result` is what it gave back. Do not run it again."""

    def __init__(self, decision_package_id: str, claim_id: str, result: Any) -> None:
        super().__init__(decision_package_id, claim_id, result)
        self.decision_package_id, self.claim_id, self.result = decision_package_id, claim_id, result

    def __str__(self) -> str:
        return (
            f"{self.decision_package_id} has run, and the service could not be told: report it under the claim_id"
            f" {self.claim_id}, or it will be shown as unknown. Do not run it again."
        )


_REFUSALS: Mapping[type[Outcome], type[NotPermittedError]] = {
    outcomes.Rejected: RejectedError,
    outcomes.Overridden: OverriddenError,
    outcomes.Revise: RevisionWantedError,
    outcomes.EvidenceWanted: RevisionWantedError,
    outcomes.TakenOver: TakenOverError,
    outcomes.Revoked: RevokedError,
    outcomes.Cancelled: WithdrawnError,
    outcomes.Expired: ExpiredError,
    outcomes.Lapsed: LapsedError,
    outcomes.Executed: ExecutedError,
    outcomes.Unknown: OutcomeUnknownError,
}


def refusal(outcome: Outcome) -> NotPermittedError:
    return _REFUSALS.get(type(outcome), NotPermittedError)(outcome)
