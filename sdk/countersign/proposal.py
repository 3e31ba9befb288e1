"""The fields of a proposal by their names in the contract, as types for type checkers and editors.

Nothing is checked at run time: the service validates a proposal and answers with its faults. `Client.request`, `gate`
and `ask` take the fields as keywords.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NotRequired, TypeAlias, TypedDict, TypeVar

MAX_TITLE, MAX_SENTENCE = 150, 2000  # characters that the service accepts

RiskLevel = Literal["low", "medium", "high", "critical"]
Kind = Literal["action", "output", "plan", "question", "memory", "policy_exception", "tool_call"]
Reversibility = Literal["reversible", "partially_reversible", "irreversible_low", "irreversible_high"]
Recommendation = Literal["proceed", "clarify", "escalate"]
InterruptType = Literal["approval", "user_revision", "error_recovery", "cancel"]


class Evidence(TypedDict):
    """A source that a reviewer can check."""

    id: str
    title: str
    url: NotRequired[str]
    excerpt: NotRequired[str]


class Dissent(TypedDict):
    """A person or system (`by`) that disagrees, and why."""

    by: str
    position: str
    reason: str


class Cost(TypedDict):
    amount: float
    currency: str


class Takeover(TypedDict):
    """What a person needs to know to continue where the agent stops."""

    summary: str
    stopping_reason: str
    work_completed: NotRequired[Sequence[str]]
    current_state: NotRequired[Mapping[str, Any] | str]
    next_steps: NotRequired[Sequence[str]]


class FormProperty(TypedDict, total=False):
    """A field of a form, in the words of JSON Schema."""

    type: Literal["string", "number", "integer", "boolean"]
    title: str
    description: str
    enum: Sequence[str | int | float]
    format: Literal["date"]
    minimum: int | float
    maximum: int | float
    maxLength: int


class FormSchema(TypedDict):
    """A form, as the subset of JSON Schema that the service draws."""

    type: Literal["object"]
    properties: Mapping[str, FormProperty]
    title: NotRequired[str]
    description: NotRequired[str]
    required: NotRequired[Sequence[str]]


class OptionalFields(TypedDict, total=False):
    """Optional fields, which help reviewers decide."""

    kind: Kind
    action_parameters: Mapping[str, Any]
    subject_type: str
    subject_id: str
    subject_url: str
    evidence_refs: Sequence[Evidence | str]
    known_uncertainties: Sequence[str]
    alternatives: Sequence[str]
    policy_basis: Sequence[str]
    dissent: Sequence[Dissent]
    material_change: str
    side_effect_preview: Mapping[str, Any]
    consequence: str
    downstream_impact: str
    rollback_plan: str
    reversibility: Reversibility
    cost: Cost
    data_classes: Sequence[str]
    recommendation: Recommendation
    requested_by: str
    on_behalf_of: Sequence[str]
    run_id: str
    thread_id: str
    checkpoint_id: str
    interrupt_type: InterruptType
    allowed_decisions: Sequence[str]
    answers: Sequence[str]
    free_answer: bool
    response_schema: FormSchema
    parameters_schema: FormSchema
    expires_at: str
    callback_url: str
    metadata: Mapping[str, Any]
    takeover: Takeover


class Proposal(OptionalFields):
    """All fields of a proposal; those below are required."""

    title: str
    action_type: str
    proposed_action: str
    rationale: str
    risk_level: RiskLevel
    confidence: float


class Changes(OptionalFields, total=False):
    """The fields that a new version changes. All others stay as they were."""

    title: str
    action_type: str
    proposed_action: str
    rationale: str
    risk_level: RiskLevel
    confidence: float


_T = TypeVar("_T")
PerCall: TypeAlias = _T | Callable[..., _T]


class CallFields(TypedDict, total=False):
    """The fields of a gated call, as values or functions. A function gets the call's arguments that it names."""

    title: PerCall[str]
    proposed_action: PerCall[str]
    rationale: PerCall[str]
    subject_type: PerCall[str]
    subject_id: PerCall[str]
    subject_url: PerCall[str]
    evidence_refs: PerCall[Sequence[Evidence | str]]
    known_uncertainties: PerCall[Sequence[str]]
    alternatives: PerCall[Sequence[str]]
    policy_basis: PerCall[Sequence[str]]
    dissent: PerCall[Sequence[Dissent]]
    material_change: PerCall[str]
    side_effect_preview: PerCall[Mapping[str, Any]]
    consequence: PerCall[str]
    downstream_impact: PerCall[str]
    rollback_plan: PerCall[str]
    reversibility: PerCall[Reversibility]
    cost: PerCall[Cost]
    data_classes: PerCall[Sequence[str]]
    recommendation: PerCall[Recommendation]
    requested_by: PerCall[str]
    on_behalf_of: PerCall[Sequence[str]]
    run_id: PerCall[str]
    thread_id: PerCall[str]
    checkpoint_id: PerCall[str]
    interrupt_type: PerCall[InterruptType]
    allowed_decisions: PerCall[Sequence[str]]
    expires_at: PerCall[str]
    callback_url: PerCall[str]
    metadata: PerCall[Mapping[str, Any]]
    parameters_schema: PerCall[FormSchema]
    step: PerCall[str]
    idempotency_key: PerCall[str]


def one_line(text: str, limit: int) -> str:
    """The text on one line, without unprintable characters, cut to `limit` characters with an ellipsis."""
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"
