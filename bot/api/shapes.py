"""Models of every response body. They only describe: responses are built in `rules.record` and `bot.api.problems`.

A test validates real answers against these models. Unknown fields are forbidden here, so that a field without a
description fails that test. The published schema allows them, because clients must accept fields that they do not know.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from rules.people.directory import ReviewerAuthorization
from rules.scales import HITLLevel, Reversibility
from rules.state.commands import HumanDecisionType, OverrideDecision
from rules.state.model import Basis, ExecutionState, HumanInterruptStatus, Status


def _open(schema: dict[str, Any]) -> None:
    schema.pop("additionalProperties", None)


class Reply(BaseModel):
    # Built at the first request for the description, not at every start.
    model_config = ConfigDict(extra="forbid", json_schema_extra=_open, use_attribute_docstrings=True, defer_build=True)


Digest = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
PackageId = Annotated[str, Field(pattern=r"^pkg_")]
Count = Annotated[int, Field(ge=0)]


class Why(Reply):
    """One voice in the finding of the level. The strictest wins; all that spoke are here."""

    rule: str
    """A stable name, such as `irreversible-high`."""
    level: HITLLevel
    """What this voice asked for."""
    because: str
    """Why, in a sentence."""


class Share(Reply):
    """So many are needed, so many are there."""

    needed: Count
    have: Count


class Quorum(Share):
    """How many distinct people must approve, and how many do."""

    of_role: dict[str, Share]
    """How many of them must act in which role."""


class Interrupt(Reply):
    """The durable pause of a run at this package: one for the package's whole life."""

    interrupt_id: str
    status: HumanInterruptStatus
    reason: str
    """Why a person is needed, in a sentence."""
    required_role: str
    """Who is asked now."""
    quorum: Quorum
    rung: Count
    """How far up the escalation ladder it has climbed."""
    assigned_to: str | None
    """The Slack user id of who has taken it up."""
    created_at: datetime
    expires_at: datetime
    """When the present rung ends, or the agent's time to answer a revision or evidence request."""


class Reviewer(Reply):
    """Somebody who decided."""

    reviewer_id: str
    name: str
    role: str
    """The role in which they acted."""


class Override(Reply):
    """What a reviewer decided against the recommendation."""

    original_recommendation: str | None
    override_decision: OverrideDecision | None
    """Only `proceed` lets the agent act."""
    override_reason: str | None
    evidence_refs: list[str]


class Decision(Reply):
    """What votes, silence, policy or time came to."""

    decision: HumanDecisionType | None
    """Null where no decisions: a timeout, a withdrawal."""
    basis: Basis
    """On what it rests. Silence is never called a human's approval, nor a timeout a human's rejection."""
    reviewers: list[Reviewer]
    comment: str | None
    instructions: str | None
    """With `revise` and `request_more_evidence`: what the new version should be like."""
    answer: str | None
    """With `answer`: what the person said."""
    override: Override | None
    action_parameters: dict[str, Any] | None
    """What was approved, exactly, a reviewer's edits included: act on these and no others. Else null."""
    decided_at: datetime
    latency_ms: Count
    package_version: Annotated[int, Field(ge=1)]
    policy_version: str
    rendering_id: str | None
    """What the reviewer had before them, by its content."""


class Execution(Reply):
    """What came of the permission. An approval is not an execution."""

    state: ExecutionState
    """`unknown`: claimed, and no outcome came in time. `lapsed`: never claimed in time."""
    claim_id: str | None = None
    claimed_at: datetime | None = None
    reported_at: datetime | None = None
    lapses_at: datetime | None = None
    """Until when the permission can be claimed."""


class StatusDocument(Reply):
    """What an agent reads, and what a callback carries."""

    decision_package_id: PackageId
    version: Annotated[int, Field(ge=1)]
    tenant_id: str
    status: Status
    terminal: bool
    """Whether nothing more will be decided."""
    may_proceed: bool
    """Whether the agent may claim the execution, now. The one thing to look at before acting."""
    level: HITLLevel
    why: list[Why]
    warnings: list[str]
    """What a reviewer would want to be told and was not."""
    action_digest: Digest
    """Of what an approval is for: the exact call, or for what is no call the content."""
    interrupt: Interrupt | None
    """Null where no person was needed."""
    decision: Decision | None
    execution: Execution
    agent_message: str
    """What to make of it, in one sentence."""
    run_id: str | None
    thread_id: str | None
    checkpoint_id: str | None
    metadata: dict[str, Any]
    """As it was sent."""
    revision: Annotated[int, Field(ge=1)]
    """The number of the package's last event, and its ETag."""
    created_at: datetime
    updated_at: datetime


class CallbackBody(Reply):
    """What is posted to an agent's address."""

    type: Annotated[str, Field(pattern=r"^package\.[a-z_]+$")]
    """`package.` and the status that it came to, or `package.escalated`."""
    timestamp: datetime
    """When it happened."""
    data: StatusDocument


class Page(Reply):
    """Some of the agent's own packages, newest first."""

    packages: list[StatusDocument]
    next_cursor: str | None
    """Send it as `cursor` for the page after this one; null on the last."""


class Event(Reply):
    """One link of a package's audit chain: ids, enums, times and digests, no words."""

    event_id: str
    event_type: str
    """Such as `package.submitted`, `human.decision_recorded`, `package.approved`, `execution.claimed`."""
    event_version: str
    occurred_at: datetime
    tenant_id: str
    run_id: str | None
    thread_id: str | None
    interrupt_id: str
    decision_package_id: PackageId
    package_version: Annotated[int, Field(ge=1)]
    action_type: str
    action_digest: Digest
    reversibility_class: Reversibility
    hitl_level: HITLLevel
    confidence: Annotated[float, Field(ge=0, le=1)]
    actor: str
    """A Slack user, an agent, or `auto`."""
    authority: ReviewerAuthorization | None
    """Under which a person acted, as it was then."""
    decision: HumanDecisionType | None
    basis: Basis | None
    reason: str | None
    policy_version: str
    latency_ms: Count | None
    executed_at: datetime | None
    outcome: str | None
    rendering_id: str | None
    revision: Annotated[int, Field(ge=1)]
    change: dict[str, Any]
    """What the event did to the package's state: the events fold to it."""
    content: Digest | None
    """The salted digest of the words that were said; they are kept beside the chain and can be emptied."""
    previous: Digest | None
    """The digest of the event before; null in the first."""
    digest: Digest
    """Of all the rest of this event, as canonical JSON (RFC 8785)."""


class Events(Reply):
    """A package's audit events, oldest first."""

    events: list[Event]


class FieldError(Reply):
    """One wrong field, and what would have been right."""

    field: str
    """Its path, such as `evidence_refs.0.title`; `query.` leads what stood in the query."""
    message: str


class Problem(Reply):
    """An error, as RFC 9457 has it."""

    type: str
    """Stable: programs can rely on it."""
    title: str
    status: Annotated[int, Field(ge=400, le=599)]
    detail: str
    """What stands in the way and, where there is one, the way on."""
    errors: list[FieldError] | None = None
    package: str | None = None
    """The id of the package that stands in the way, where one does."""
