"""`DecisionPackage`: what an agent proposes, validated completely; and the digests that identify an action.

All of it is the agent's claim. Every field is bounded, printable and canonicalizable, so that an accepted package can
be shown, stored, hashed and read back. Whether it is true or wise is not checked here.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from rules.canonical import sha256_of
from rules.form_schema import Answers, FormSchema, cross_field_fault
from rules.package.fields import (
    FEW_ITEMS,
    MAX_COST,
    MAX_DELEGATION,
    MAX_ESSAY,
    MAX_EXCEPTED,
    ActionType,
    DataClasses,
    Essay,
    Id,
    IdempotencyKey,
    Instant,
    JsonObject,
    OptionalSentence,
    Person,
    Sentence,
    Sentences,
    State,
    Title,
    Url,
    Word,
)
from rules.package.text_types import PRINTABLE, text_matching
from rules.scales import Reversibility, RiskLevel
from rules.spelling import normalize_name
from rules.string_enum import StringEnum
from rules.values import Value

IDENTITY_FIELDS = ("kind", "action_type", "subject_type", "subject_id")  # every version of a package must keep these

DecisionName = Literal[
    "approve", "approve_with_edits", "reject", "revise", "request_more_evidence", "escalate",
    "defer", "override", "take_over", "answer", "object",
]  # fmt: skip
DECISION_NAMES: frozenset[str] = frozenset(get_args(DecisionName))
IRREMOVABLE_DECISIONS = frozenset({"reject", "escalate", "take_over"})  # an agent cannot exclude these


class Kind(StringEnum):
    ACTION = "action"
    OUTPUT = "output"
    PLAN = "plan"
    QUESTION = "question"
    MEMORY = "memory"
    POLICY_EXCEPTION = "policy_exception"
    TOOL_CALL = "tool_call"


CALLS = frozenset({Kind.ACTION, Kind.TOOL_CALL})  # an approval covers one exact call; for other kinds, the content


class Recommendation(StringEnum):
    PROCEED = "proceed"
    CLARIFY = "clarify"
    ESCALATE = "escalate"


class InterruptType(StringEnum):
    APPROVAL = "approval"
    USER_REVISION = "user_revision"
    ERROR_RECOVERY = "error_recovery"
    CANCEL = "cancel"


class Evidence(Value):
    id: Id
    title: Sentence
    url: Url | None = None
    excerpt: OptionalSentence | None = None


def _evidence(value: Any) -> Any:
    return {"id": value, "title": value} if isinstance(value, str) else value


EvidenceRef = Annotated[Evidence, BeforeValidator(_evidence, json_schema_input_type=Evidence | Id)]


class Dissent(Value):
    by: Id
    position: Sentence
    reason: Sentence


class Cost(Value):
    amount: Annotated[float, Field(strict=True, ge=0, le=MAX_COST, allow_inf_nan=False)]
    currency: Annotated[Word, text_matching(r"[A-Z]{3}", "must be three capital letters such as USD")]


class TakeoverPackage(Value):
    """What a person needs to go on where the agent stops."""

    summary: Essay
    stopping_reason: Sentence
    work_completed: Sentences = ()
    current_state: State | None = None
    next_steps: Sentences = ()


class MemoryParameters(Value, extra="allow"):
    proposed_memory: Essay
    source_refs: Sentences
    sensitivity: Id
    retention: Id


class ExceptionParameters(Value, extra="allow"):
    """With a `rule`, the package asks for an exception to that rule of the policy, and other keys are refused.

    Without one, it is an exception in words, which changes no rule.
    """

    policy_id: Id
    requested_exception: Sentence
    justification: Essay
    expires_at: Instant
    rule: Id | None = None
    action_types: Annotated[tuple[ActionType, ...], Field(max_length=MAX_EXCEPTED, validate_default=True)] = ()
    agents: Annotated[tuple[Id, ...], Field(max_length=MAX_EXCEPTED)] = ()

    @field_validator("action_types")
    @classmethod
    def _check_types(cls, value: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if info.data.get("rule") and not value:
            raise PydanticCustomError("missing", "required with a rule: the action types for which it is set aside")
        return tuple(dict.fromkeys(value))

    @model_validator(mode="after")
    def _is_exact(self) -> Self:
        others = sorted(self.model_extra or {})
        if self.rule and others:
            raise cross_field_fault(f"an exception to a rule has no other keys, such as {others[0]}")
        return self


_PARAMETERS: dict[Kind, type[Value]] = {Kind.MEMORY: MemoryParameters, Kind.POLICY_EXCEPTION: ExceptionParameters}


class DecisionPackage(Value):
    """What an agent posts, field by field as the contract names them."""

    kind: Kind = Kind.ACTION  # before action_parameters, whose check reads it
    title: Title
    action_type: ActionType
    action_parameters: Annotated[JsonObject | None, Field(validate_default=True)] = None
    proposed_action: Sentence
    rationale: Essay
    risk_level: RiskLevel
    confidence: Annotated[float, Field(strict=True, ge=0, le=1, allow_inf_nan=False)]
    subject_type: Id | None = None
    subject_id: Id | None = None
    subject_url: Url | None = None
    evidence_refs: Annotated[tuple[EvidenceRef, ...], FEW_ITEMS] = ()
    known_uncertainties: Sentences = ()
    alternatives: Sentences = ()
    policy_basis: Sentences = ()
    dissent: Annotated[tuple[Dissent, ...], FEW_ITEMS] = ()
    material_change: Sentence | None = None  # never blank: declaring one lifts a refusal
    side_effect_preview: JsonObject = Field(default_factory=dict)
    consequence: OptionalSentence | None = None
    downstream_impact: OptionalSentence | None = None
    rollback_plan: Annotated[str, Field(strict=True, max_length=MAX_ESSAY), PRINTABLE] | None = None
    reversibility: Reversibility | None = None
    cost: Cost | None = None
    data_classes: DataClasses = ()
    recommendation: Recommendation | None = None
    requested_by: Person | None = None
    on_behalf_of: Annotated[tuple[Person, ...], Field(max_length=MAX_DELEGATION)] = ()
    run_id: Id | None = None
    thread_id: Id | None = None
    checkpoint_id: Id | None = None
    interrupt_type: InterruptType | None = None
    allowed_decisions: Annotated[tuple[DecisionName, ...], FEW_ITEMS] | None = None
    answers: Answers = ()
    free_answer: Annotated[bool, Field(strict=True)] = True  # a person may write another one
    response_schema: FormSchema | None = None
    parameters_schema: FormSchema | None = None
    expires_at: Instant | None = None
    callback_url: Url | None = None
    idempotency_key: IdempotencyKey | None = None
    metadata: JsonObject = Field(default_factory=dict)
    takeover: TakeoverPackage | None = None

    @field_validator("action_parameters")
    @classmethod
    def _check_parameters_of_kind(cls, value: dict[str, Any] | None, info: ValidationInfo) -> dict[str, Any] | None:
        kind = info.data.get("kind")  # missing if `kind` itself was refused
        if kind in _PARAMETERS:
            _PARAMETERS[kind].model_validate(value or {})  # its errors are reported below action_parameters
        if value is None and kind in CALLS:
            raise PydanticCustomError("missing", "required: the exact arguments of what is to be done")
        return value

    @field_validator("answers", "response_schema")
    @classmethod
    def _check_question(cls, value: Any, info: ValidationInfo) -> Any:
        if value and info.data.get("kind") not in (Kind.QUESTION, None):
            raise cross_field_fault("is only for a question")
        if value and info.field_name == "response_schema" and info.data.get("answers"):
            raise cross_field_fault("cannot be combined with answers")
        return value

    @property
    def effective_decisions(self) -> frozenset[str] | None:
        """The decisions that the agent accepts; None: all."""
        return None if self.allowed_decisions is None else IRREMOVABLE_DECISIONS.union(self.allowed_decisions)


def action_digest(package: DecisionPackage) -> str:
    """The digest of what is approved: the exact call, or for other kinds the content."""
    identity: dict[str, Any] = {
        "action_type": package.action_type,
        "action_parameters": package.action_parameters,
        "subject": {"type": package.subject_type, "id": package.subject_id},
    }
    if package.kind not in CALLS:
        identity |= {name: getattr(package, name) for name in ("kind", "title", "proposed_action", "rationale")}
    if package.answers:
        identity |= {"answers": package.answers, "free_answer": package.free_answer}
    if package.response_schema:
        identity["response_schema"] = package.response_schema.plain
    return sha256_of(identity)


def subject_digest(package: DecisionPackage) -> str | None:
    """The digest of the normalized subject. A subject may be a person's name, so the record holds only this."""
    name = normalize_name(package.subject_id or "")
    return sha256(f"{normalize_name(package.subject_type or '')}\n{name}".encode()).hexdigest() if name else None


def changed_identity(first: DecisionPackage, later: DecisionPackage) -> list[str]:
    """The identity fields that the later version changed although it must keep them."""
    return [name for name in IDENTITY_FIELDS if getattr(first, name) != getattr(later, name)]
