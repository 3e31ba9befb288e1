"""Ask people before acting, and act on exactly what they approved, once."""

from countersign.canonical import action_digest
from countersign.client import AsyncClient, Client
from countersign.errors import (
    AgentPausedError,
    AlreadyClaimedError,
    AlreadyDecidedError,
    AlreadyRejectedError,
    ApprovalLapsedError,
    BadAnswerError,
    CallbackError,
    ConfigurationError,
    CountersignError,
    DigestMismatchError,
    ExecutedError,
    ExpiredError,
    IdempotencyConflictError,
    InvalidProposalError,
    LapsedError,
    MayNotProceedError,
    MisfitError,
    NoEligibleReviewerError,
    NotFoundError,
    NotPermittedError,
    OutcomeUnknownError,
    OverriddenError,
    ProblemError,
    RejectedError,
    RevisionWantedError,
    RevokedError,
    StaleVersionError,
    StillPendingError,
    TakenOverError,
    ThreadTakenOverError,
    UnauthenticatedError,
    UngatedToolError,
    UnreachableError,
    UnreportedError,
    WithdrawnError,
)
from countersign.gate import gate
from countersign.handle import AsyncHandle, Handle
from countersign.outcomes import (
    Answered,
    Approved,
    Cancelled,
    Consented,
    Deferred,
    EvidenceWanted,
    Executed,
    Expired,
    Lapsed,
    Outcome,
    Overridden,
    Rejected,
    Revise,
    Revoked,
    TakenOver,
    Unknown,
    outcome_of,
)
from countersign.run import require_gate, run
from countersign.tools import Tools
from countersign.wire import Patience
