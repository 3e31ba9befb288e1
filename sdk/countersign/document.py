"""The status document: what the service says of a package, as it stands in its answers and callbacks."""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict

Status = Literal[
    "pending", "revision_requested", "evidence_requested", "deferred",
    "approved", "consented", "overridden", "rejected", "taken_over", "revoked", "expired", "cancelled",
]  # fmt: skip
Level = Literal["full_auto", "notify_only", "soft_approval", "hard_approval", "human_takeover"]
Basis = Literal["human", "quorum", "silent_consent", "policy", "timeout"]
ExecutionState = Literal["none", "claimed", "succeeded", "failed", "rolled_back", "unknown", "lapsed"]


class Why(TypedDict):
    """One voice in the finding of the level."""

    rule: str
    level: Level
    because: str


class Interrupt(TypedDict):
    """The durable pause of the run."""

    interrupt_id: str
    status: Literal["pending", "decided", "expired", "cancelled", "escalated"]
    reason: str
    required_role: str
    quorum: dict[str, Any]
    rung: int
    assigned_to: str | None
    created_at: str
    expires_at: str


class Reviewer(TypedDict):
    """Somebody who decided, and the role in which they did."""

    reviewer_id: str
    name: str
    role: str


class Decision(TypedDict):
    """What votes, silence, policy or time came to."""

    decision: str | None
    basis: Basis
    reviewers: list[Reviewer]
    comment: str | None
    instructions: str | None
    answer: str | None
    override: dict[str, Any] | None
    action_parameters: dict[str, Any] | None
    decided_at: str
    latency_ms: int
    package_version: int
    policy_version: str
    rendering_id: str | None


class Execution(TypedDict):
    """What came of the permission."""

    state: ExecutionState
    claim_id: NotRequired[str]
    claimed_at: NotRequired[str]
    reported_at: NotRequired[str]
    lapses_at: NotRequired[str]


class StatusDocument(TypedDict):
    """All that an agent is told of its package. A newer service may say more."""

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
    agent_message: str
    run_id: str | None
    thread_id: str | None
    checkpoint_id: str | None
    metadata: dict[str, Any]
    revision: int
    created_at: str
    updated_at: str
