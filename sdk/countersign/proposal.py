"""What an agent may say of what it proposes: every field by its name in the contract, for type checkers and editors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NotRequired, TypeAlias, TypedDict, TypeVar

MAX_TITLE, MAX_SENTENCE = 150, 2000  # characters that the service takes

RiskLevel = Literal["low", "medium", "high", "critical"]
Kind = Literal["action", "output", "plan", "question", "memory", "policy_exception", "tool_call"]
Reversibility = Literal["reversible", "partially_reversible", "irreversible_low", "irreversible_high"]
Recommendation = Literal["proceed", "clarify", "escalate"]
InterruptType = Literal["approval", "user_revision", "error_recovery", "cancel"]


class Evidence(TypedDict):
    """What a reviewer can check."""

    id: str
    title: str
    url: NotRequired[str]
    excerpt: NotRequired[str]


class Dissent(TypedDict):
    """Who or what disagrees, and why."""

    by: str
    position: str
    reason: str


class Cost(TypedDict):
    amount: float
    currency: str


class Takeover(TypedDict):
    """What a person needs to go on where the agent stops."""

    summary: str
    stopping_reason: str
    work_completed: NotRequired[Sequence[str]]
    current_state: NotRequired[Mapping[str, Any] | str]
    next_steps: NotRequired[Sequence[str]]


class Particulars(TypedDict, total=False):
    """What may be said, and makes a reviewer's work easier."""

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
    expires_at: str
    callback_url: str
    metadata: Mapping[str, Any]
    takeover: Takeover


class Proposal(Particulars):
    """What is proposed, and what has to be said of it."""

    title: str
    action_type: str
    proposed_action: str
    rationale: str
    risk_level: RiskLevel
    confidence: float


class Changes(Particulars, total=False):
    """What another version says otherwise; the rest stays as it was."""

    title: str
    action_type: str
    proposed_action: str
    rationale: str
    risk_level: RiskLevel
    confidence: float


_T = TypeVar("_T")
Said: TypeAlias = _T | Callable[..., _T]


class SaidOfACall(TypedDict, total=False):
    """The same of a gated function: each a value, or a function of those arguments that it names."""

    title: Said[str]
    proposed_action: Said[str]
    rationale: Said[str]
    subject_type: Said[str]
    subject_id: Said[str]
    subject_url: Said[str]
    evidence_refs: Said[Sequence[Evidence | str]]
    known_uncertainties: Said[Sequence[str]]
    alternatives: Said[Sequence[str]]
    policy_basis: Said[Sequence[str]]
    dissent: Said[Sequence[Dissent]]
    material_change: Said[str]
    side_effect_preview: Said[Mapping[str, Any]]
    consequence: Said[str]
    downstream_impact: Said[str]
    rollback_plan: Said[str]
    reversibility: Said[Reversibility]
    cost: Said[Cost]
    data_classes: Said[Sequence[str]]
    recommendation: Said[Recommendation]
    requested_by: Said[str]
    on_behalf_of: Said[Sequence[str]]
    run_id: Said[str]
    thread_id: Said[str]
    checkpoint_id: Said[str]
    interrupt_type: Said[InterruptType]
    allowed_decisions: Said[Sequence[str]]
    expires_at: Said[str]
    callback_url: Said[str]
    metadata: Said[Mapping[str, Any]]
    step: Said[str]
    idempotency_key: Said[str]


def one_line(text: str, most: int) -> str:
    """What may stand in a title or a sentence that people read, and says so where it was cut: any text can come in."""
    line = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
    return line if len(line) <= most else line[: most - 1] + "…"
