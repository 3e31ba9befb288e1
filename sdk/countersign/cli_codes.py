"""The exit codes of `countersign-gate`, and what leads to each."""

from __future__ import annotations

from enum import IntEnum

from countersign import outcomes
from countersign.errors import (
    AlreadyClaimedError,
    ApprovalLapsedError,
    CountersignError,
    StillPendingError,
    ThreadCancelledError,
    ThreadChangedError,
    ThreadHeldError,
    UnreachableError,
    UnreportedError,
)
from countersign.outcomes import Outcome


class Code(IntEnum):
    """Exit codes. argparse itself exits with `USAGE` too."""

    PERMITTED = 0
    FAULT = 1
    USAGE = 2
    REFUSED = 3
    TIME_RAN_OUT = 4
    PENDING = 5
    CHANGES_WANTED = 6
    WITHDRAWN = 7
    OUT_OF_REACH = 8
    SPENT = 9
    FAILED = 10
    UNREPORTED = 11
    ROLLBACK_WANTED = 12


_OUTCOME_CODES: dict[type[Outcome], int] = {
    outcomes.Rejected: Code.REFUSED,
    outcomes.Overridden: Code.REFUSED,
    outcomes.Revoked: Code.REFUSED,
    outcomes.TakenOver: Code.REFUSED,
    outcomes.Expired: Code.TIME_RAN_OUT,
    outcomes.Lapsed: Code.TIME_RAN_OUT,
    outcomes.Deferred: Code.PENDING,
    outcomes.Revise: Code.CHANGES_WANTED,
    outcomes.EvidenceWanted: Code.CHANGES_WANTED,
    outcomes.Cancelled: Code.WITHDRAWN,
    outcomes.Executed: Code.SPENT,
    outcomes.Unknown: Code.SPENT,
    outcomes.Answered: Code.PERMITTED,  # a question asks for nothing more than its answer
}
ERROR_CODES: dict[type[CountersignError], int] = {
    StillPendingError: Code.PENDING,
    UnreachableError: Code.OUT_OF_REACH,
    ApprovalLapsedError: Code.TIME_RAN_OUT,
    AlreadyClaimedError: Code.SPENT,
    UnreportedError: Code.UNREPORTED,
    ThreadHeldError: Code.PENDING,
    ThreadChangedError: Code.CHANGES_WANTED,
    ThreadCancelledError: Code.WITHDRAWN,
}


RECOVERY_CODES = {"retry": Code.PERMITTED, "rollback": Code.ROLLBACK_WANTED, "abandon": Code.REFUSED}


def exit_code(outcome: Outcome) -> int:
    if outcome.permits:
        return Code.PERMITTED
    recovery = outcome.document.get("recovery")
    if isinstance(outcome, outcomes.Rejected) and recovery and recovery["decision"] == "rollback":
        return Code.ROLLBACK_WANTED  # an agent that asked what to do about a failure gets this answer
    return _OUTCOME_CODES.get(type(outcome), Code.FAULT)
