"""Models of every response body. They only describe: responses are built in `rules.record` and `bot.api.problems`.

A test validates real answers against these models. Unknown fields are forbidden here, so that a field without a
description fails that test. The published schema allows them, because clients must accept fields that they do not know.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from rules.people.directory import ReviewerAuthorization
from rules.scales import HITLLevel, Reversibility
from rules.state.commands import HumanDecisionType, OverrideDecision
from rules.state.decisions import Basis, ExecutionState, RecoveryDecision
from rules.state.model import HumanInterruptStatus, Status


def _allow_unknown_fields(schema: dict[str, Any]) -> None:
    schema.pop("additionalProperties", None)


class Reply(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra=_allow_unknown_fields,
        use_attribute_docstrings=True,
        defer_build=True,  # until the first request for the description: the start takes no time for it
    )


Digest = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
PackageId = Annotated[str, Field(pattern=r"^pkg_")]
Count = Annotated[int, Field(ge=0)]


class Why(Reply):
    """A rule that applied. All rules are evaluated; the strictest level wins."""

    rule: str
    """A stable name, such as `irreversible-high`."""
    level: HITLLevel
    """The level that this rule requires."""
    because: str
    """The reason, in a sentence."""


class Share(Reply):
    """How many approvals are needed, and how many there are."""

    needed: Count
    have: Count


class Quorum(Share):
    """How many different people must approve, and how many have."""

    of_role: dict[str, Share]
    """The same for each role that must take part."""


class Interrupt(Reply):
    """The pause of a run at this package. It lasts as long as the package."""

    interrupt_id: str
    status: HumanInterruptStatus
    reason: str
    """Why a person is needed, in a sentence."""
    required_role: str
    """The role that is asked now. Roles that were asked before may still decide if only time ran out for them."""
    quorum: Quorum
    rung: Count
    """The step of the escalation ladder, from 0."""
    assigned_to: str | None
    """The Slack user id of the person who claimed it."""
    created_at: datetime
    expires_at: datetime
    """The deadline of this step, or of the agent's answer to a request for changes or evidence."""


class Reviewer(Reply):
    """A person who decided."""

    reviewer_id: str
    name: str
    role: str
    """The role in which they acted."""


class Override(Reply):
    """A decision against the agent's recommendation."""

    original_recommendation: str | None
    override_decision: OverrideDecision | None
    """Only `proceed` lets the agent act."""
    override_reason: str | None
    evidence_refs: list[str]


class Decision(Reply):
    """The decision by votes, silence, policy or time."""

    decision: HumanDecisionType | None
    """Null after a timeout or a withdrawal."""
    basis: Basis
    """How it came about. Silence is never reported as a person's approval, nor a timeout as a person's rejection."""
    reviewers: list[Reviewer]
    comment: str | None
    instructions: str | None
    """With `revise` and `request_more_evidence`: what to change or to show in the new version."""
    answer: str | None
    """With `answer`: what the person said. For a question with a `response_schema`: `answer_data` as lines of text."""
    answer_data: dict[str, Any] | None
    """With `answer`, if the question has a `response_schema`: the entered values, which fit the schema."""
    override: Override | None
    action_parameters: dict[str, Any] | None
    """The exact approved parameters, with the reviewer's edits. Act on these only. Null if nothing is approved."""
    decided_at: datetime
    latency_ms: Count
    package_version: Annotated[int, Field(ge=1)]
    policy_version: str
    rendering_id: str | None
    """The id of what the reviewer was shown. It is derived from the content."""
    grant_id: str | None = None
    """The exception that spared the package a decision by people: the id of the package that asked for it."""


class Execution(Reply):
    """The execution of an approved action. An approval is not an execution."""

    state: ExecutionState
    """`unknown`: claimed, but no outcome was reported in time. `lapsed`: not claimed in time."""
    claim_id: str | None = None
    claimed_at: datetime | None = None
    reported_at: datetime | None = None
    lapses_at: datetime | None = None
    """The end of the time in which the approval can be used."""


class Recovery(Reply):
    """What people decided after an outcome `failed`, `rolled_back` or `unknown`."""

    decision: RecoveryDecision
    """`retry`: claim once more, with a new `claim_id`. `rollback`: undo it and report. `abandon`: leave it."""
    by: MessageWriter
    """The person who decided, or who completed the quorum of a retry."""
    instruction: str | None
    checkpoint_id: str | None
    """The package's own, from which to continue."""


class MessageWriter(Reply):
    """A person who wrote a message, or decided after a failure."""

    reviewer_id: str
    name: str


class Message(Reply):
    """What a person wrote to the agent, or the agent to the people who read the package. It decides nothing."""

    message_id: str
    by: MessageWriter | Literal["agent"]
    text: str | None
    """Null if it was deleted under the policy's retention."""
    at: datetime
    version: Annotated[int, Field(ge=1)]
    """The version of the package at that time."""
    in_reply_to: str | None
    """The id of the message that the agent answers."""


class StatusDocument(Reply):
    """The state of a package, as agents read it and as callbacks carry it."""

    decision_package_id: PackageId
    version: Annotated[int, Field(ge=1)]
    tenant_id: str
    status: Status
    terminal: bool
    """Whether the decision is final."""
    may_proceed: bool
    """Whether the agent may claim the execution now. Check this before you act."""
    level: HITLLevel
    why: list[Why]
    warnings: list[str]
    """Fields that reviewers may need and the agent left empty."""
    action_digest: Digest
    """The digest of what an approval covers: the exact call, or the content if it is not a call."""
    interrupt: Interrupt | None
    """Null if nobody had to decide."""
    decision: Decision | None
    execution: Execution
    recovery: Recovery | None
    """Null unless people decided what to do after a failure."""
    agent_message: str
    """What the agent should do now, in a sentence or two."""
    messages: list[Message]
    """The last 50, oldest first. `GET /v1/packages/{id}/messages` has all."""
    run_id: str | None
    thread_id: str | None
    checkpoint_id: str | None
    metadata: dict[str, Any]
    """Unchanged."""
    revision: Annotated[int, Field(ge=1)]
    """The number of the package's last event, and its ETag."""
    created_at: datetime
    updated_at: datetime


class Page(Reply):
    """A page of the agent's own packages, newest first."""

    packages: list[StatusDocument]
    next_cursor: str | None
    """Send it as `cursor` to get the next page. Null on the last page."""


class Messages(Reply):
    """A page of a package's messages, oldest first."""

    messages: list[Message]
    next_cursor: str | None
    """Send it as `cursor` to get the next page. Null on the last page."""


class Event(Reply):
    """An event of a package's audit chain: ids, enums, times and digests, but no texts."""

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
    """A Slack user's id, an agent's id, or `auto`."""
    authority: ReviewerAuthorization | None
    """The role and scope under which a person acted, as they were then."""
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
    """How the event changed the package's state. All changes together give the state."""
    content: Digest | None
    """The salted digest of the texts that came with the event. They are kept beside the chain and can be deleted."""
    previous: Digest | None
    """The digest of the previous event. Null in the first one."""
    digest: Digest
    """The digest of the rest of this event, as canonical JSON (RFC 8785)."""


class Events(Reply):
    """A package's audit events, oldest first."""

    events: list[Event]


class FieldError(Reply):
    """A wrong field, and what is right."""

    field: str
    """Its path, such as `evidence_refs.0.title`. Parameters of the query begin with `query.`."""
    message: str


class Problem(Reply):
    """An error (RFC 9457)."""

    type: str
    """A stable URI, for programs."""
    title: str
    status: Annotated[int, Field(ge=400, le=599)]
    detail: str
    """What is wrong, and what to do if anything can be done."""
    errors: list[FieldError] | None = None
    package: str | None = None
    """The id of the other package that is the reason, if there is one."""
