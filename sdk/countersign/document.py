"""The status document: the JSON with which the service describes a package, in its answers and in callbacks."""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict

Status = Literal[
    "pending", "revision_requested", "evidence_requested", "deferred",
    "approved", "consented", "overridden", "rejected", "taken_over", "revoked", "expired", "cancelled",
]  # fmt: skip
Level = Literal["full_auto", "notify_only", "soft_approval", "hard_approval", "human_takeover"]
Basis = Literal["human", "quorum", "silent_consent", "policy", "timeout", "exception"]
ExecutionState = Literal["none", "claimed", "succeeded", "failed", "rolled_back", "unknown", "lapsed"]


class Why(TypedDict):
    """One rule that was evaluated for the level, the level that it asks for, and its reason."""

    rule: str
    level: Level
    because: str


class Interrupt(TypedDict):
    """The pause of the agent's run: which role must decide, and until when."""

    interrupt_id: str
    status: Literal["pending", "decided", "expired", "cancelled", "escalated"]
    reason: str
    required_role: str
    quorum: dict[str, Any]
    rung: int  # how many steps of the ladder of roles it has climbed; 0 at first
    assigned_to: str | None
    created_at: str
    expires_at: str


class Reviewer(TypedDict):
    """A person who decided, and in which role."""

    reviewer_id: str
    name: str
    role: str


class Decision(TypedDict):
    """The decision. `basis` says whether people, silence, the policy, an exception or a timeout made it."""

    decision: str | None
    basis: Basis
    reviewers: list[Reviewer]
    comment: str | None
    instructions: str | None
    answer: str | None
    answer_data: NotRequired[dict[str, Any] | None]  # an older service does not send it
    override: dict[str, Any] | None
    action_parameters: dict[str, Any] | None
    decided_at: str
    latency_ms: int
    package_version: int
    policy_version: str
    rendering_id: str | None
    grant_id: NotRequired[str]  # the exception that spared a decision


class Execution(TypedDict):
    """Whether the permission was used, and with which outcome."""

    state: ExecutionState
    claim_id: NotRequired[str]
    claimed_at: NotRequired[str]
    reported_at: NotRequired[str]
    lapses_at: NotRequired[str]


class Writer(TypedDict):
    """A person who wrote a message."""

    reviewer_id: str
    name: str


class Message(TypedDict):
    """What a person wrote to the agent, or the agent to the people who read its package. It decides nothing."""

    message_id: str
    by: Writer | Literal["agent"]
    text: str | None  # None if it was deleted under the policy's retention
    at: str
    version: int
    in_reply_to: str | None


class Recovery(TypedDict):
    """What people decided after a failure."""

    decision: Literal["retry", "rollback", "abandon"]
    by: Writer
    instruction: str | None
    checkpoint_id: str | None


class StatusDocument(TypedDict):
    """Everything that an agent learns about its package. A newer service may add fields."""

    decision_package_id: str
    version: int
    tenant_id: str
    status: Status
    terminal: bool
    may_proceed: bool
    level: Level
    why: list[Why]
    warnings: list[str]
    action_digest: str
    interrupt: Interrupt | None
    decision: Decision | None
    execution: Execution
    recovery: NotRequired[Recovery | None]  # an older service does not send it
    agent_message: str
    messages: NotRequired[list[Message]]  # the last 50; an older service does not send it
    run_id: str | None
    thread_id: str | None
    checkpoint_id: str | None
    metadata: dict[str, Any]
    revision: int
    created_at: str
    updated_at: str
