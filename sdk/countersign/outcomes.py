"""Outcomes of a proposal, one type each, so that a timeout is never taken for a refusal nor silence for an approval.

`outcome_of(document)` chooses the type from the status document. `outcome.permits` says whether the agent may act.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from countersign.document import Basis, Decision, ExecutionState, Reviewer, StatusDocument


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """Base class of all outcomes. `permits` says whether the agent may act."""

    decision_package_id: str
    message: str  # the service's sentence for the agent: what happened and what to do
    comment: str | None = None  # a person's comment
    reviewers: tuple[Reviewer, ...] = ()
    basis: Basis | None = None
    document: StatusDocument = field(repr=False, compare=False)

    @property
    def permits(self) -> bool:
        return False


@dataclass(frozen=True, kw_only=True)
class _Permission(Outcome):
    parameters: dict[str, Any]  # as approved, with a reviewer's edits; act on exactly these

    @property
    def permits(self) -> bool:
        return True


class Approved(_Permission):
    """People approved it, or the policy asks for nobody (`basis` says which)."""


class Consented(_Permission):
    """Nobody objected in time (soft approval). Reviewers could have objected; nobody approved it."""


@dataclass(frozen=True, kw_only=True)
class Overridden(Outcome):
    """A reviewer decided against the recommendation. Only the override `proceed` permits the action."""

    override_decision: Literal["proceed", "stop", "other"]
    reason: str | None
    evidence_refs: tuple[str, ...]
    parameters: dict[str, Any]  # empty unless it permits

    @property
    def permits(self) -> bool:
        return self.override_decision == "proceed"


@dataclass(frozen=True, kw_only=True)
class Rejected(Outcome):
    """A person rejected it."""

    reason: str | None


@dataclass(frozen=True, kw_only=True)
class Revise(Outcome):
    """A person wants changes. Answer with a new version."""

    instructions: str


@dataclass(frozen=True, kw_only=True)
class EvidenceWanted(Outcome):
    """A person wants more evidence. Answer with a new version that contains it."""

    instructions: str


@dataclass(frozen=True, kw_only=True)
class Deferred(Outcome):
    """A person deferred the decision. The package becomes pending again by itself: wait again."""

    reason: str | None


class TakenOver(Outcome):
    """A person has taken over. Leave the thread alone until they hand it back."""


class Expired(Outcome):
    """Nobody decided in time. Nobody rejected it either."""


class Revoked(Outcome):
    """The approval was revoked before it was used."""

    @property
    def can_be_asked_again(self) -> bool:
        """True if the service revoked it because an approver or the policy changed; False if a person revoked it."""
        return self.basis == "policy"


class Cancelled(Outcome):
    """The package was withdrawn, or cancelled by the policy when its time ran out."""


@dataclass(frozen=True, kw_only=True)
class Answered(Outcome):
    """A person answered the question. An answer permits no action."""

    answer: str
    answer_data: dict[str, Any] | None = None  # the filled-in form of a question with a `response_schema`


class Lapsed(Outcome):
    """It was permitted, but the permission expired before it was used."""


class Executed(Outcome):
    """It was permitted and has run. `state` is the outcome that was reported."""

    @property
    def state(self) -> ExecutionState:
        return self.document["execution"]["state"]


class Unknown(Outcome):
    """It was claimed, and no outcome was reported: it may have run in full, in part or not at all."""


def outcome_of(document: StatusDocument) -> Outcome | None:
    """The outcome in a status document; None while the package is pending."""
    if document["status"] == "pending":
        return None
    if document["execution"]["state"] != "none" and not document["may_proceed"]:
        return spent_outcome(document)
    build = _BUILDERS.get(document["status"])
    if build is None:
        raise ValueError(f"the status {document['status']!r} is not known here: upgrade the countersign package")
    return build(document)


def spent_outcome(document: StatusDocument) -> Outcome:
    """The outcome of a package whose permission can no longer be claimed."""
    match document["execution"]["state"]:
        case "lapsed" | "none":
            return _build(Lapsed, document)
        case "claimed" | "unknown":
            return _build(Unknown, document)
        case _:
            return _build(Executed, document)


def _build(kind: type[Outcome], document: StatusDocument, **more: Any) -> Outcome:
    decision = document["decision"]
    return kind(
        decision_package_id=document["decision_package_id"],
        message=document["agent_message"],
        comment=decision["comment"] if decision else None,
        reviewers=tuple(decision["reviewers"]) if decision else (),
        basis=decision["basis"] if decision else None,
        document=document,
        **more,
    )


def _decision(document: StatusDocument) -> Decision:
    decision = document["decision"]
    if decision is None:
        raise ValueError(f"{document['decision_package_id']} is {document['status']} and carries no decision")
    return decision


def _approved(document: StatusDocument) -> Outcome:
    decision = _decision(document)
    if decision["decision"] == "answer":
        return _build(Answered, document, answer=decision["answer"] or "", answer_data=decision.get("answer_data"))
    return _build(Approved, document, parameters=decision["action_parameters"] or {})


def _consented(document: StatusDocument) -> Outcome:
    return _build(Consented, document, parameters=_decision(document)["action_parameters"] or {})


def _overridden(document: StatusDocument) -> Outcome:
    decision = _decision(document)
    override = decision["override"] or {}
    return _build(
        Overridden,
        document,
        override_decision=override["override_decision"],
        reason=override.get("override_reason"),
        evidence_refs=tuple(override.get("evidence_refs", ())),
        parameters=decision["action_parameters"] or {},
    )


def _with_instructions(kind: type[Outcome]) -> Callable[[StatusDocument], Outcome]:
    return lambda document: _build(kind, document, instructions=_decision(document)["instructions"] or "")


def _with_reason(kind: type[Outcome]) -> Callable[[StatusDocument], Outcome]:
    return lambda document: _build(kind, document, reason=_decision(document)["comment"])


def _plain(kind: type[Outcome]) -> Callable[[StatusDocument], Outcome]:
    return lambda document: _build(kind, document)


_BUILDERS: Mapping[str, Callable[[StatusDocument], Outcome]] = {
    "approved": _approved,
    "consented": _consented,
    "overridden": _overridden,
    "rejected": _with_reason(Rejected),
    "revision_requested": _with_instructions(Revise),
    "evidence_requested": _with_instructions(EvidenceWanted),
    "deferred": _with_reason(Deferred),
    "taken_over": _plain(TakenOver),
    "expired": _plain(Expired),
    "revoked": _plain(Revoked),
    "cancelled": _plain(Cancelled),
}
