"""What people, silence, the policy or time decided, what came of it, and what a person holds, as states record it.

Plain values in the state of a package. They are stored as JSON, so their names are kept, and new fields need a default.
All but `Seat` and `BlindLook` refer to the event that recorded them.
"""

from __future__ import annotations

from rules.state.commands import HumanDecisionType, OverrideDecision
from rules.string_enum import StringEnum
from rules.values import Moment, Value


class Basis(StringEnum):
    """On what a decision rests."""

    HUMAN = "human"
    QUORUM = "quorum"
    SILENT_CONSENT = "silent_consent"
    POLICY = "policy"
    TIMEOUT = "timeout"
    EXCEPTION = "exception"  # to a rule, which people approved before


_DECIDED_BY = {
    Basis.POLICY: "policy",
    Basis.SILENT_CONSENT: "silence",
    Basis.TIMEOUT: "timeout",
    Basis.EXCEPTION: "an exception",
}
OPERATOR = "operator"  # the role of those who decide at the command line: they revoke exceptions
WITHOUT_PEOPLE = (Basis.POLICY, Basis.SILENT_CONSENT, Basis.EXCEPTION)  # an action may go ahead on these alone


class Vote(Value):
    """One reviewer's decision on one version, with the renderings that they saw."""

    reviewer_id: str
    decision: HumanDecisionType
    override_decision: OverrideDecision | None = None
    role: str
    version: int
    rung: int
    rendering_id: str | None = None
    rendering_ids: tuple[str, ...] = ()  # of the form's steps, if the card could not show all of it
    event_id: str
    at: Moment


class Seat(Value):
    """A reviewer, and the role in which they decided."""

    reviewer_id: str
    role: str

    @property
    def mention(self) -> str:
        """An operator is no user of the workspace."""
        return "an operator" if self.role == OPERATOR else f"<@{self.reviewer_id}>"


class Decision(Value):
    """A decision by votes, silence, policy or time."""

    decision: HumanDecisionType | None = None
    basis: Basis
    reviewers: tuple[Seat, ...] = ()
    event_id: str
    override_decision: OverrideDecision | None = None
    decided_at: Moment
    latency_ms: int
    package_version: int
    policy_version: str
    rendering_id: str | None = None
    rendering_ids: tuple[str, ...] = ()
    grant_id: str | None = None  # the exception without which people would have been asked

    @property
    def made_by(self) -> str:
        people = ", ".join(seat.mention for seat in self.reviewers)
        return people or _DECIDED_BY.get(self.basis, "the agent's side")


class RecoveryDecision(StringEnum):
    """What people decided after a failure."""

    RETRY = "retry"
    ROLLBACK = "rollback"
    ABANDON = "abandon"


class Recovery(Value):
    """The decision after a failure, and the person who made it or completed its quorum."""

    decision: RecoveryDecision
    by: Seat
    event_id: str
    at: Moment


class ExecutionState(StringEnum):
    NONE = "none"
    CLAIMED = "claimed"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    ROLLED_BACK = "rolled_back"
    UNKNOWN = "unknown"
    LAPSED = "lapsed"


FAILURES = (ExecutionState.FAILED, ExecutionState.ROLLED_BACK, ExecutionState.UNKNOWN)


class Execution(Value):
    """The last claim and its outcome. `earlier_claims` are those before a retry."""

    state: ExecutionState = ExecutionState.NONE
    claim_id: str | None = None
    claimed_at: Moment | None = None
    reported_at: Moment | None = None
    event_id: str | None = None
    reminded: bool = False
    earlier_claims: tuple[str, ...] = ()
    retry_lapsed_at: Moment | None = None

    @property
    def claim_ids(self) -> tuple[str, ...]:
        return (*self.earlier_claims, *([self.claim_id] if self.claim_id else []))


class Hold(Value):
    """A person has stopped the thread. Until it is resumed, nothing is claimed or approved by silence.

    `event_id`: an event of the thread's record. `thread_key`: that thread; None: the package's own thread.
    """

    by: str
    since: Moment
    event_id: str
    thread_key: str | None = None


class BlindLook(Value, extra="ignore"):  # older states also have `former`
    """A second look by someone who is not shown what people decided.

    `judge`: who is asked. `of`: whose decision it is. `has_ended`: nobody judges it any more. `judge_left`: it
    ended because the judge was away, deactivated or could not approve it any more.
    """

    judge: str
    of: tuple[str, ...]
    until: Moment
    has_ended: bool = False
    since: Moment | None = None  # None: recorded by an earlier release
    judge_left: bool = False
    secret: float | None = None  # without it, the judge cannot be computed from the decision's event id
