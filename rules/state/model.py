"""`PackageState`, the present state of a package: what its events add up to. Ids, enums, times and digests, no texts.

A state is never changed in place, and only `rules.verbs.decide` makes a new one. Texts that people wrote are stored in
the content table under their event, so that retention can erase them without touching the record.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from pydantic import Field

from rules.mail.mailed import Mailed
from rules.package.exceptions import ExceptionUse, PolicyException
from rules.package.model import Kind
from rules.policy.actions import Look
from rules.policy.tiers import ReviewTimeoutPolicy
from rules.scales import HITLLevel, Reversibility, RiskLevel
from rules.state.commands import HumanDecisionType, OverrideDecision, Verdict
from rules.state.decisions import (
    FAILURES,
    Basis,
    BlindLook,
    Decision,
    Execution,
    ExecutionState,
    Hold,
    Recovery,
    RecoveryDecision,
    Vote,
)
from rules.state.noes import No
from rules.state.sightings import Details, FormStep, Shown
from rules.string_enum import StringEnum
from rules.values import Duration, Moment, Value


class Status(StringEnum):
    PENDING = "pending"
    REVISION_REQUESTED = "revision_requested"
    EVIDENCE_REQUESTED = "evidence_requested"
    DEFERRED = "deferred"
    APPROVED = "approved"
    CONSENTED = "consented"
    OVERRIDDEN = "overridden"
    REJECTED = "rejected"
    TAKEN_OVER = "taken_over"
    REVOKED = "revoked"
    EXPIRED = "expired"
    CANCELLED = "cancelled"

    @property
    def terminal(self) -> bool:
        return self not in _OPEN

    @property
    def awaits_agent(self) -> bool:
        return self in (Status.REVISION_REQUESTED, Status.EVIDENCE_REQUESTED)


_OPEN = frozenset([Status.PENDING, Status.REVISION_REQUESTED, Status.EVIDENCE_REQUESTED, Status.DEFERRED])


class HumanInterruptStatus(StringEnum):
    PENDING = "pending"
    DECIDED = "decided"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    ESCALATED = "escalated"


class Why(Value):
    """One reason for the level, recorded and shown."""

    rule: str
    level: HITLLevel
    because: str


class Terms(ReviewTimeoutPolicy):
    """What the policy required when the package came in. Later policies may tighten these terms, never loosen them."""

    role: str
    quorum: int = 1
    of_role: dict[str, int] = {}
    comment_required: bool = False
    details_first: bool = False
    ladder_keeps: bool = False  # unlike in the policy: packages from before this setting stay as they were
    agent_answer: Duration = timedelta(hours=48)
    outcome: Duration = timedelta(hours=1)
    look: Look | None = None  # the content's layout, kept because `whole_on_card` was computed for it

    def role_at(self, rung: int) -> str:
        return self.role if rung == 0 else self.ladder[rung - 1]

    @property
    def top(self) -> int:
        return len(self.ladder)


class Priority(StringEnum):
    """The order of the queue, set by the risk."""

    URGENT = "urgent"
    HIGH = "high"
    NORMAL = "normal"
    LOW = "low"


class ReviewTask(Value):
    """A rung of the escalation ladder: the role that is asked, the deadline, and the assignee."""

    review_task_id: str
    rung: int = 0
    kept_from: int | None = None  # the lowest rung whose role may still decide, unless today's policy ends that
    required_role: str
    priority: Priority
    assigned_to: str | None = None
    stands_in_for: str | None = None
    created_at: Moment
    due_at: Moment
    timed_from: Moment | None = None  # when `due_at` was set; None: when the task was created
    reminded: int = 0


class Bar(StringEnum):
    """Why a person may not decide on any version of this package."""

    REQUESTER = "requester"
    DELEGATION_CHAIN = "delegation_chain"
    OWNER = "owner"
    EARLIER_IN_THREAD = "earlier_in_thread"
    NAMED_IN_THREAD = "named_in_thread"  # by an earlier package of the thread
    EDITOR = "editor"
    RECUSED = "recused"


class PackageState(Value):
    tenant_id: str
    decision_package_id: str
    agent_id: str
    owner: str
    requester: str
    revision: int = 0
    version: int = 1
    version_event_id: str
    status: Status = Status.PENDING

    kind: Kind
    action_type: str
    action_digest: str
    subject_digest: str | None = None
    run_id: str | None = None
    thread_id: str | None = None
    risk: RiskLevel
    confidence: float
    reversibility: Reversibility
    level: HITLLevel
    why: tuple[Why, ...]
    terms: Terms
    warnings: tuple[str, ...] = ()
    allowed_decisions: tuple[str, ...] | None = None
    whole_on_card: bool = False  # whether the card shows all that is approved; unknown counts as no
    policy_version: str
    exception: PolicyException | None = None  # for which it asks, and which holds once people have approved it
    exception_uses: tuple[ExceptionUse, ...] = ()  # exceptions that set rules aside for it

    barred: dict[str, Bar] = {}
    interrupt_id: str
    task: ReviewTask
    votes: tuple[Vote, ...] = ()
    decision: Decision | None = None
    execution: Execution = Execution()
    recovery: Recovery | None = None
    retry_votes: tuple[Vote, ...] = ()
    asks_recovery: bool = False  # the package itself asks what to do after a failure

    created_at: Moment
    updated_at: Moment
    asked_at: Moment
    expires_at: Moment | None = None
    answer_by: Moment | None = None
    wake_at: Moment | None = None
    lapses_at: Moment | None = None
    outcome_by: Moment | None = None
    put_off: int = Field(default=0, ge=0)  # how often it was deferred because nobody decided in time
    shown: Shown | None = None
    details: tuple[Details, ...] = ()
    forms: tuple[FormStep, ...] = ()
    noes: tuple[No, ...] = ()
    earlier_no: No | None = None
    message_count: int = 0  # the messages themselves are events
    holds_thread: bool = False
    hold: Hold | None = None
    followed: str | None = None  # the event of its thread that stopped it or, while it was running, told it to stop
    sampled: bool = False
    verdict: Verdict | None = None
    audit_rate: float | None = None  # the probability with which this approval was picked, or not, for a blind look
    look: BlindLook | None = None
    mailed: tuple[Mailed, ...] = ()  # who was told by e-mail, when this was last recorded

    @property
    def soft(self) -> bool:
        return self.level is HITLLevel.SOFT_APPROVAL

    @property
    def proceeds(self) -> bool:
        """Whether the decision, taken by itself, lets the agent go ahead. An exception allows no action by itself."""
        return self.exception is None and lets_proceed(self.status, self.decision)

    @property
    def is_granted_exception(self) -> bool:
        """Whether people have approved the exception, and it was not revoked and has not ended."""
        exception = self.exception if self.status is Status.APPROVED else None
        return exception is not None and exception.granted_at is not None and exception.ended_at is None

    @property
    def decided_types(self) -> tuple[str, ...]:
        """The action types that those who decide must have in scope."""
        return self.exception.action_types if self.exception else (self.action_type,)

    @property
    def retry_open(self) -> bool:
        """Whether people have allowed a retry that is not claimed yet."""
        allowed = self.recovery is not None and self.recovery.decision is RecoveryDecision.RETRY
        return allowed and self.execution.state in FAILURES

    @property
    def is_unused(self) -> bool:
        """Whether there is a permission that was not claimed yet: the first one, or a retry."""
        return self.proceeds and (self.execution.state is ExecutionState.NONE or self.retry_open)

    @property
    def open_look(self) -> BlindLook | None:
        """The blind look that somebody is asked for."""
        look = None if self.verdict or self.ends_look else self.look
        return None if look is None or look.has_ended else look

    @property
    def ends_look(self) -> bool:
        """Whether people have to know now what was decided. `Move.record` then ends the look for good."""
        has_ended = self.execution.state in (*FAILURES, ExecutionState.LAPSED)
        return has_ended or not self.proceeds or self.hold is not None

    @property
    def is_running(self) -> bool:
        """Whether the agent has begun the action and reported no outcome yet."""
        return self.proceeds and self.execution.state is ExecutionState.CLAIMED

    @property
    def is_stoppable(self) -> bool:
        """Whether it is open or lets something through: a person who stops its thread stops it too."""
        return not self.status.terminal or self.lets_through

    @property
    def lets_through(self) -> bool:
        """Whether something may still go ahead by its approval: a permission that is unused, or an exception."""
        return self.is_unused or self.is_granted_exception

    def may_proceed(self, now: datetime) -> bool:
        """Whether the agent may claim now: there is a permission, and it is not claimed, revoked, lapsed or held."""
        return self.is_unused and self.hold is None and self.lapses_at is not None and now < self.lapses_at

    @property
    def interrupt_status(self) -> HumanInterruptStatus:
        """The status of the run's interrupt. A package has one interrupt through all versions and rungs."""
        if not self.status.terminal:
            return HumanInterruptStatus.ESCALATED if self.task.rung else HumanInterruptStatus.PENDING
        ended = {Status.EXPIRED: HumanInterruptStatus.EXPIRED, Status.CANCELLED: HumanInterruptStatus.CANCELLED}
        return ended.get(self.status, HumanInterruptStatus.DECIDED)

    def is_past_expiry(self, now: datetime) -> bool:
        """Whether the package's own `expires_at` has passed: nothing is granted after it."""
        return self.expires_at is not None and self.expires_at <= now

    @property
    def ends_at(self) -> datetime:
        """When the present rung, or the agent's time to answer, ends, at the latest at the package's `expires_at`."""
        end = self.answer_by or self.task.due_at
        return min(end, self.expires_at) if self.expires_at else end

    def decided_by(self) -> str:
        """Who decided, for the refusal of a command that came too late."""
        return self.decision.made_by if self.decision else "nobody"


def lets_proceed(status: Status, decision: Decision | None) -> bool:
    if decision is None:
        return False
    if status is Status.OVERRIDDEN:
        return decision.override_decision is OverrideDecision.PROCEED
    answered = decision.decision is HumanDecisionType.ANSWER
    return status in (Status.APPROVED, Status.CONSENTED) and not answered


def approved_by_people_at(status: Status, decision: Decision | None) -> datetime | None:
    """When people let the agent go ahead, if that still stands."""
    by_people = decision is not None and decision.basis in (Basis.HUMAN, Basis.QUORUM)
    return decision.decided_at if decision and by_people and lets_proceed(status, decision) else None
