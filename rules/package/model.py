"""`DecisionPackage`: what an agent proposes, validated completely; and the digests that identify an action.

All of it is the agent's claim. Every field is bounded, printable and canonicalizable, so that an accepted package can
be shown, stored, hashed and read back. Whether it is true or wise is not checked here.
"""

from __future__ import annotations

import re
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Annotated, Any, Literal, get_args
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from rules.canonical import NotCanonicalError, canonical_json_strict, sha256_of
from rules.form_schema import Answers, FormSchema, cross_field_fault
from rules.package.text_types import PRINTABLE, VISIBLE, CheckedText, check_printable, text_matching
from rules.scales import Reversibility, RiskLevel
from rules.spelling import normalize_name
from rules.values import Moment, Value

# Characters for texts, items for lists, bytes of the canonical form for objects.
MAX_TITLE = 150
MAX_ID = 200
MAX_SENTENCE = 2000  # proposed_action, consequence, an excerpt, an item of a list and the like
MAX_ESSAY = 8000  # rationale, rollback_plan, current_state, a proposed memory
MAX_URL = 2000
MAX_WORD = 255  # an idempotency key, a person; the other words have shorter patterns
MAX_ITEMS = 50
MAX_DELEGATION = 10
MAX_COST = 1e13  # up to here a double can represent every cent
MAX_OBJECT_DEPTH = 32
MAX_OBJECT_BYTES = 131_072
IDENTITY_FIELDS = ("kind", "action_type", "subject_type", "subject_id")  # every version of a package must keep these

DecisionName = Literal[
    "approve", "approve_with_edits", "reject", "revise", "request_more_evidence", "escalate",
    "defer", "override", "take_over", "answer", "object",
]  # fmt: skip
DECISION_NAMES: frozenset[str] = frozenset(get_args(DecisionName))
IRREMOVABLE_DECISIONS = frozenset({"reject", "escalate", "take_over"})  # an agent cannot exclude these

_FEW = Field(max_length=MAX_ITEMS)
_URI = r"[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]"  # RFC 3986; other characters could end a link in Slack early
_TIME = re.compile(r"[12][0-9]{3}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:")  # years far outside overflow when converted to UTC
_EMAIL = r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@([A-Za-z0-9-]+\.)+[A-Za-z0-9-]+"


class Kind(StrEnum):
    ACTION = "action"
    OUTPUT = "output"
    PLAN = "plan"
    QUESTION = "question"
    MEMORY = "memory"
    POLICY_EXCEPTION = "policy_exception"
    TOOL_CALL = "tool_call"


CALLS = frozenset({Kind.ACTION, Kind.TOOL_CALL})  # an approval covers one exact call; for other kinds, the content


class Recommendation(StrEnum):
    PROCEED = "proceed"
    CLARIFY = "clarify"
    ESCALATE = "escalate"


class InterruptType(StrEnum):
    APPROVAL = "approval"
    USER_REVISION = "user_revision"
    ERROR_RECOVERY = "error_recovery"
    CANCEL = "cancel"


def _url(text: str) -> str:
    # Whether the service may connect to the address is checked at use; here, only its form.
    if not re.fullmatch(f"{_URI}+", text):
        raise PydanticCustomError("url", "must be a URL; percent-encode what RFC 3986 does not allow in one")
    if not _has_web_host(text):
        raise PydanticCustomError("url", "must be an http or https URL with a host")
    if "@" in urlsplit(text).netloc:
        raise PydanticCustomError("url", "must not carry a user name or a password")
    return text


def _has_web_host(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is not a number, an unclosed bracket
        return False


def _instant(value: Any) -> Any:
    # Pydantic alone would also accept 1700000000 and "1700000000", and guess the unit.
    if isinstance(value, datetime) or (isinstance(value, str) and _TIME.match(value)):
        return value
    raise PydanticCustomError("instant", "must be an RFC 3339 time such as 2026-11-20T17:00:00Z")


def _json_object(value: dict[str, Any]) -> dict[str, Any]:
    try:
        size = len(canonical_json_strict(value, max_depth=MAX_OBJECT_DEPTH))
    except NotCanonicalError as fault:
        raise PydanticCustomError("not_canonical", "{fault}", {"fault": str(fault)}) from None
    if size > MAX_OBJECT_BYTES:
        raise PydanticCustomError("too_large", "must not exceed {most} bytes as JSON", {"most": MAX_OBJECT_BYTES})
    return value


def _state(value: Any) -> Any:
    if isinstance(value, dict):
        return _json_object(value)
    if isinstance(value, str) and len(value) <= MAX_ESSAY:
        return check_printable(value)
    raise PydanticCustomError("state", "must be an object or a text of at most {most} characters", {"most": MAX_ESSAY})


_URL = CheckedText(_url, rf"^[Hh][Tt][Tt][Pp][Ss]?://[A-Za-z0-9._~!$&'()*+,;=%-]+(:[1-9][0-9]{{0,3}})?([/?#]{_URI}*)?$")
_RFC3339 = Annotated[str, Field(json_schema_extra={"format": "date-time", "pattern": f"^{_TIME.pattern}"})]
_EssayOr = Annotated[str, Field(max_length=MAX_ESSAY), PRINTABLE]

Title = Annotated[str, Field(strict=True, max_length=MAX_TITLE), VISIBLE]
Id = Annotated[str, Field(strict=True, max_length=MAX_ID), VISIBLE]
Sentence = Annotated[str, Field(strict=True, max_length=MAX_SENTENCE), VISIBLE]
Essay = Annotated[str, Field(strict=True, max_length=MAX_ESSAY), VISIBLE]
Word = Annotated[str, Field(strict=True, max_length=MAX_WORD)]
OptionalSentence = Annotated[str, Field(strict=True, max_length=MAX_SENTENCE), PRINTABLE]
Sentences = Annotated[tuple[Sentence, ...], _FEW]
Url = Annotated[str, Field(strict=True, max_length=MAX_URL), _URL]
Instant = Annotated[Moment, BeforeValidator(_instant, json_schema_input_type=_RFC3339)]
JsonObject = Annotated[dict[str, Any], AfterValidator(_json_object)]
State = Annotated[str | dict[str, Any], PlainValidator(_state, json_schema_input_type=_EssayOr | dict[str, Any])]
ActionType = Annotated[
    Word, text_matching(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,99}", "must be 1-100 letters, digits, _ . : -")
]
DataClass = Annotated[Word, text_matching(r"[a-z][a-z0-9_-]{0,39}", "must be a short lower-case name such as pii")]
DataClasses = Annotated[tuple[DataClass, ...], _FEW, AfterValidator(lambda names: tuple(dict.fromkeys(names)))]
IdempotencyKey = Annotated[Word, text_matching(r"[!-~]([ -~]*[!-~])?", "must be printable ASCII, no space around it")]
Person = Annotated[
    Word,
    text_matching(
        rf"[A-Za-z0-9]([A-Za-z0-9_.-]{{0,78}}[A-Za-z0-9])?|{_EMAIL}",
        "must be a Slack user id such as U012AB3CD, an e-mail address, or an agent's name or id",
    ),
    AfterValidator(lambda person: person.lower() if "@" in person else person),  # a capital letter would hide who it is
]


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
    policy_id: Id
    requested_exception: Sentence
    justification: Essay
    expires_at: Instant


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
    evidence_refs: Annotated[tuple[EvidenceRef, ...], _FEW] = ()
    known_uncertainties: Sentences = ()
    alternatives: Sentences = ()
    policy_basis: Sentences = ()
    dissent: Annotated[tuple[Dissent, ...], _FEW] = ()
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
    allowed_decisions: Annotated[tuple[DecisionName, ...], _FEW] | None = None
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
