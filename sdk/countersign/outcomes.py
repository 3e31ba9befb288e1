"""What came of a proposal, one type for each: a timeout is not a refusal, and silence is not an approval."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from countersign.document import Basis, Decision, ExecutionState, Reviewer, StatusDocument


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """Something that the agent has to act on, or to leave alone. `permits` says which."""

    decision_package_id: str
    message: str  # what to make of it, in the service's own sentence
    comment: str | None = None  # what a person said with it
    reviewers: tuple[Reviewer, ...] = ()
    basis: Basis | None = None
    document: StatusDocument = field(repr=False, compare=False)

    @property
    def permits(self) -> bool:
        return False


@dataclass(frozen=True, kw_only=True)
class _Permission(Outcome):
    parameters: dict[str, Any]  # as approved, a reviewer's edits included: act on these and on no others

    @property
    def permits(self) -> bool:
        return True


class Approved(_Permission):
    """By people, or by the policy where it asks for none (`basis` says which)."""


class Consented(_Permission):
    """Nobody objected in time, although somebody could have. Nobody approved it either."""


@dataclass(frozen=True, kw_only=True)
class Overridden(Outcome):
    """A reviewer decided against the recommendation. Only `proceed` permits anything."""

    override_decision: Literal["proceed", "stop", "other"]
    reason: str | None
    evidence_refs: tuple[str, ...]
    parameters: dict[str, Any]  # empty unless it permits

    @property
    def permits(self) -> bool:
        return self.override_decision == "proceed"


@dataclass(frozen=True, kw_only=True)
class Rejected(Outcome):
    """A person said no."""

    reason: str | None


@dataclass(frozen=True, kw_only=True)
class Revise(Outcome):
    """A person wants changes: answer with a new version."""

    instructions: str


@dataclass(frozen=True, kw_only=True)
class EvidenceWanted(Outcome):
    """A person wants to see more first: answer with a new version that shows it."""

    instructions: str


@dataclass(frozen=True, kw_only=True)
class Deferred(Outcome):
    """Put off. It comes back by itself: wait again."""

    reason: str | None


class TakenOver(Outcome):
    """A person does it now. Leave the thread alone until it is handed back."""


class Expired(Outcome):
    """Time ran out, and nobody said no."""


class Revoked(Outcome):
    """An approval that was withdrawn before it was used."""

    @property
    def can_be_asked_again(self) -> bool:
        """Whether the service withdrew it because an approver or the policy changed, and not a person."""
        return self.basis == "policy"


class Cancelled(Outcome):
    """Withdrawn, or cancelled by the policy when its time ran out."""


@dataclass(frozen=True, kw_only=True)
class Answered(Outcome):
    """A person answered the question, which permits nothing by itself."""

    answer: str


class Lapsed(Outcome):
    """It was permitted, and the permission was not used in time."""


class Executed(Outcome):
    """It was permitted and done, and what came of it was reported: `state` says what."""

    @property
    def state(self) -> ExecutionState:
        return self.document["execution"]["state"]


class Unknown(Outcome):
    """It was permitted and claimed, and no outcome was told: it may have run whole, in part or not at all."""


def outcome_of(document: StatusDocument) -> Outcome | None:
    """What the document tells the agent; None while there is nothing to do but wait."""
    if document["status"] == "pending":
        return None
    if document["execution"]["state"] != "none":
        return spent(document)
    make = _MAKERS.get(document["status"])
    if make is None:
        raise ValueError(f"the status {document['status']!r} is not known here: upgrade the countersign package")
    return make(document)


def spent(document: StatusDocument) -> Outcome:
    """Why what was permitted cannot be claimed any more."""
    match document["execution"]["state"]:
        case "lapsed" | "none":
            return _told(Lapsed, document)
        case "claimed" | "unknown":
            return _told(Unknown, document)
        case _:
            return _told(Executed, document)


def _told(kind: type[Outcome], document: StatusDocument, **more: Any) -> Outcome:
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
        return _told(Answered, document, answer=decision["answer"] or "")
    return _told(Approved, document, parameters=decision["action_parameters"] or {})


def _consented(document: StatusDocument) -> Outcome:
    return _told(Consented, document, parameters=_decision(document)["action_parameters"] or {})


def _overridden(document: StatusDocument) -> Outcome:
    decision = _decision(document)
    override = decision["override"] or {}
    return _told(
        Overridden,
        document,
        override_decision=override["override_decision"],
        reason=override.get("override_reason"),
        evidence_refs=tuple(override.get("evidence_refs", ())),
        parameters=decision["action_parameters"] or {},
    )


def _instructed(kind: type[Outcome]) -> Callable[[StatusDocument], Outcome]:
    return lambda document: _told(kind, document, instructions=_decision(document)["instructions"] or "")


def _reasoned(kind: type[Outcome]) -> Callable[[StatusDocument], Outcome]:
    return lambda document: _told(kind, document, reason=_decision(document)["comment"])


def _plain(kind: type[Outcome]) -> Callable[[StatusDocument], Outcome]:
    return lambda document: _told(kind, document)


_MAKERS: Mapping[str, Callable[[StatusDocument], Outcome]] = {
    "approved": _approved,
    "consented": _consented,
    "overridden": _overridden,
    "rejected": _reasoned(Rejected),
    "revision_requested": _instructed(Revise),
    "evidence_requested": _instructed(EvidenceWanted),
    "deferred": _reasoned(Deferred),
    "taken_over": _plain(TakenOver),
    "expired": _plain(Expired),
    "revoked": _plain(Revoked),
    "cancelled": _plain(Cancelled),
}
