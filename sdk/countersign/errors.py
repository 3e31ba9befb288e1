"""The errors of this package: one type for each thing that can go wrong.

`ProblemError` and its subclasses: the service refused a request. `NotPermittedError` and its subclasses: people, the
policy or time did not permit the gated function to run. `UnreachableError`: the service did not answer. All of them are
`CountersignError`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from countersign import outcomes
from countersign.outcomes import Outcome


class CountersignError(Exception):
    """Base class of all errors that this package raises."""


class ConfigurationError(CountersignError):
    """The URL, the key or the callback secret is missing or cannot be used."""


class UnreachableError(CountersignError):
    """The service did not answer within the client's patience. It is safe to send the same request again."""


class StillPendingError(CountersignError, TimeoutError):
    """Nobody has decided yet, and the `timeout` of this call has ended. What the call waited for is still open.

    `decision_package_id` is None if that is a thread or a handoff.
    """

    def __init__(self, message: str, decision_package_id: str | None = None) -> None:
        super().__init__(message, decision_package_id)
        self.decision_package_id = decision_package_id

    def __str__(self) -> str:
        return str(self.args[0])


class BadAnswerError(CountersignError):
    """The answer is not one of a Countersign service that this package understands."""


class MisfitError(CountersignError, ValueError):
    """The function cannot take these arguments. `parameter` names the one that does not fit."""

    def __init__(self, parameter: str, message: str) -> None:
        super().__init__(parameter, message)
        self.parameter = parameter

    def __str__(self) -> str:
        return f"{self.args[0]}: {self.args[1]}"


class UngatedToolError(CountersignError, PermissionError):
    """A high-impact tool was called outside a gate."""


class CallbackError(CountersignError):
    """The request is not a genuine callback of the service. Answer 401 and do nothing."""


# ---- The service refuses a request ------------------------------------------------------------------------------


class ProblemError(CountersignError):
    """The service refused a request.

    `kind` is the stable name, `detail` says what to do, `errors` lists wrong fields, `package` the conflicting package.
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
    """The service kept answering that it is unavailable. It is safe to send the same request again."""


class RateLimitedError(UnavailableError):
    """The agent is over its rate limit, even after waiting. It is safe to send the same request again later."""


class OutOfScopeError(ProblemError):
    """The agent's key does not allow this action type, requester or risk. `errors` names the field."""


class UnauthenticatedError(ProblemError):
    """The key is wrong, or was revoked."""


class InvalidProposalError(ProblemError):
    """Fields are missing, unknown or wrong."""


class NotFoundError(ProblemError):
    """No package, thread or handoff of this agent has that id."""


class NoEligibleReviewerError(ProblemError):
    """Nobody has the role that may decide this package."""


class AlreadyRejectedError(ProblemError):
    """A person recently rejected exactly this action."""


class ThreadTakenOverError(ProblemError):
    """A person has taken over this thread. Agents can only read it until the person hands it back."""


class ThreadHeldError(ProblemError):
    """A person has put this thread on hold. `client.thread(…).wait_until_running()` waits until they resume it."""


class ThreadChangedError(ProblemError):
    """A person resumed this thread with another state, so a call of the old plan did not run."""


class ThreadCancelledError(ProblemError):
    """A person has cancelled this thread for good."""


class HandoffError(ProblemError):
    """The thread cannot be handed over, or the handoff is not open any more. `kind` and `detail` say why."""


class AgentPausedError(ProblemError):
    """The agent is paused: the service accepts nothing from it until a person resumes it."""


class IdempotencyConflictError(ProblemError):
    """The idempotency key already belongs to another proposal."""


class StaleVersionError(ProblemError):
    """The package has a newer version than the one that was expected."""


class AlreadyDecidedError(ProblemError):
    """The package was decided in the meantime."""


class MayNotProceedError(ProblemError):
    """The package has no permission to claim."""


class ApprovalNoLongerValidError(MayNotProceedError):
    """An approver's role or the policy changed after the decision, so the approval is void. A gate asks once more."""


class DigestMismatchError(ProblemError):
    """The action that is about to run is not the approved one."""


class AlreadyClaimedError(ProblemError):
    """Another attempt has already claimed this permission."""


class ApprovalLapsedError(ProblemError):
    """The permission expired before it was used."""


# ---- A gate does not permit the call ----------------------------------------------------------------------------


class NotPermittedError(CountersignError):
    """The gated function did not run. `outcome` says why."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome)
        self.outcome = outcome

    def __str__(self) -> str:
        comment = f" They said: {self.outcome.comment}" if self.outcome.comment else ""
        return f"{self.outcome.decision_package_id}: {self.outcome.message}{comment}"


class RejectedError(NotPermittedError):
    """A person rejected the action."""


class OverriddenError(NotPermittedError):
    """A reviewer overrode the recommendation, and the override does not let the action proceed."""


class RevisionWantedError(NotPermittedError):
    """A person wants changes or more evidence, and the gate has no `revise` callback to answer with."""


class TakenOverError(NotPermittedError):
    """A person has taken over the task."""


class RevokedError(NotPermittedError):
    """The approval was revoked before it was used."""


class WithdrawnError(NotPermittedError):
    """The package was withdrawn, or cancelled by the policy."""


class ExpiredError(NotPermittedError):
    """Nobody decided in time. Nobody rejected it either."""


class LapsedError(NotPermittedError):
    """The action was permitted, but the permission expired before it was used."""


class ExecutedError(NotPermittedError):
    """An earlier attempt has already run this action and reported its outcome."""


class OutcomeUnknownError(NotPermittedError):
    """An earlier attempt claimed the action and reported nothing. Check what happened before anybody runs it again."""

    def __str__(self) -> str:
        claim = self.outcome.document["execution"].get("claim_id", "another")
        return (
            f"{self.outcome.decision_package_id} was claimed by another attempt ({claim}), which has reported no"
            " outcome. It may have run, so it is not run again. Check what happened and report it under that claim_id."
        )


class NotTakenOverError(CountersignError):
    """Nobody took over the thread, so nobody will hand it back. `outcome` says how the package ended instead."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome)
        self.outcome = outcome

    def __str__(self) -> str:
        return f"{self.outcome.decision_package_id}: nobody has taken over. {self.outcome.message}"


class UnreportedError(CountersignError):
    """The function has run, but its outcome could not be reported. `result` is what it returned. Do not rerun it."""

    def __init__(self, decision_package_id: str, claim_id: str, result: Any) -> None:
        super().__init__(decision_package_id, claim_id, result)
        self.decision_package_id, self.claim_id, self.result = decision_package_id, claim_id, result

    def __str__(self) -> str:
        return (
            f"{self.decision_package_id} has run, but its outcome could not be reported. Report it under the claim_id"
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
    """The exception for an outcome that permits nothing."""
    return _REFUSALS.get(type(outcome), NotPermittedError)(outcome)
