"""The rules of the decisions of reviewers. `rules.verbs.decide` calls them after its checks.

Approvals, overrides, and edits that one person may approve are votes: each vote is recorded, and the package is
settled once those that still count complete the quorum. Every other decision needs one person (`_decide_alone`). The
rules take the time and all ids from the move.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import JsonValue, ValidationError

from rules.authority.authorization import voting_rung
from rules.authority.quorum import Tally, tally
from rules.canonical import sha256_of
from rules.form_schema import data_fault, data_text
from rules.package.model import DecisionPackage
from rules.reasons import Reason, Refusal, refuse
from rules.state.changes import StateChanges
from rules.state.commands import (
    AllowRetry,
    Answer,
    Approve,
    ApproveWithEdits,
    Defer,
    HumanDecisionCommand,
    HumanDecisionType,
    HumanOverrideCommand,
    OverrideDecision,
    Reject,
    RequestMoreEvidence,
    Revise,
    SeenCommand,
    TakeOver,
)
from rules.state.decisions import Basis, Recovery, RecoveryDecision, Seat, Vote
from rules.state.events import Cause, EventType
from rules.state.model import Bar, PackageState, Status, Terms
from rules.state.noes import settle_objections
from rules.state.situation import Situation
from rules.state.terms import terms_today
from rules.state.transition import Move, Transition, Words
from rules.verbs.absences import cover_absences
from rules.verbs.settling import grant_exception, settle
from rules.verbs.submission import check_reviewers
from rules.verbs.versions import add_version


def approve(move: Move, command: Approve | AllowRetry) -> Transition | Refusal:
    if any(vote.decision is HumanDecisionType.APPROVE for vote in _votes_of(move)):
        return refuse(Reason.ALREADY_COUNTED)
    return _vote(move, command, HumanDecisionType.APPROVE)


def override(move: Move, command: HumanOverrideCommand) -> Transition | Refusal:
    """Decide against the agent's recommendation. An override needs the same quorum as an approval."""
    if any(vote.override_decision is command.override_decision for vote in _votes_of(move)):
        return refuse(Reason.ALREADY_COUNTED)
    words: Words = {
        "original_recommendation": _recommendation(move.situation.package),
        "override_reason": command.override_reason,
        "evidence_refs": list(command.evidence_refs),
    }
    return _vote(move, command, HumanDecisionType.OVERRIDE, command.override_decision, words)


def _recommendation(package: DecisionPackage | None) -> str | None:
    recommendation = package.recommendation if package else None
    return recommendation.value if recommendation else None


def _votes_of(move: Move) -> list[Vote]:
    return [vote for vote in move.state.votes if vote.reviewer_id == move.situation.actor.actor_id]


def _vote(
    move: Move,
    command: SeenCommand,
    decision: HumanDecisionType,
    overriding: OverrideDecision | None = None,
    words: Words | None = None,
) -> Transition:
    """Record the vote. Every vote is checked again, and if those that still count complete the quorum, settle."""
    other_votes = tuple(vote for vote in move.state.votes if vote.reviewer_id != move.situation.actor.actor_id)
    own = make_vote(move, command, decision, overriding)
    terms = terms_today(move.state, move.situation.policy)
    counted = tally(move.state, _same_kind((*other_votes, own), own), terms, move.situation.roster, move.situation.now)
    kept = (*_other_kind(other_votes, own), *counted.votes)
    dropped = len(other_votes) + 1 - len(kept)
    reason = Cause.VOTES_NO_LONGER_VALID if dropped else None
    words = {"comment": command.comment} | (words or {})
    move.record(EventType.HUMAN_DECISION_RECORDED, {"votes": kept}, decision=decision, words=words, reason=reason)
    return (grant_exception(_settle_by_votes(move, own, counted, terms)) if counted.complete else move).build()


def make_vote(
    move: Move, command: SeenCommand, decision: HumanDecisionType, overriding: OverrideDecision | None = None
) -> Vote:
    """The actor's vote on the present version, as the next event will record it."""
    situation, user_id = move.situation, move.situation.actor.actor_id
    return Vote(
        reviewer_id=user_id,
        decision=decision,
        override_decision=overriding,
        role=_role(move),
        version=move.state.version,
        rung=voting_rung(situation.roster, user_id, move.state, situation.now),
        rendering_id=command.rendering_id,
        rendering_ids=move.form_renderings,
        event_id=move.event_id,
        at=situation.now,
    )


def _same_kind(votes: tuple[Vote, ...], own: Vote) -> tuple[Vote, ...]:
    """The votes that add up with this one: approvals and overrides do not add up with each other."""
    return tuple(vote for vote in votes if vote.override_decision is own.override_decision)


def _other_kind(votes: tuple[Vote, ...], own: Vote) -> tuple[Vote, ...]:
    return tuple(vote for vote in votes if vote.override_decision is not own.override_decision)


def _settle_by_votes(move: Move, own: Vote, counted: Tally, terms: Terms) -> Move:
    """Decide by the votes. An approval also settles the objections to this same action, and the record says so."""
    stops = own.override_decision not in (None, OverrideDecision.PROCEED)
    noes = move.state.noes if stops else settle_objections(move.state.noes, move.state.action_digest)
    settles = noes != move.state.noes
    return settle(
        move,
        Status.OVERRIDDEN if own.decision is HumanDecisionType.OVERRIDE else Status.APPROVED,
        own.decision,
        Basis.QUORUM if terms.quorum > 1 else Basis.HUMAN,
        reviewers=counted.seats,
        event_id=own.event_id,
        rendering_id=own.rendering_id,
        override=own.override_decision,
        reason=Cause.OBJECTION_SETTLED if settles else None,
        changes=_recovered(move, own) | ({"noes": noes} if settles else {}),
    )


def _recovered(move: Move, own: Vote) -> StateChanges:
    """The approval of a package that asks what to do after a failure is a retry."""
    if not move.state.asks_recovery or own.override_decision is not None:
        return {}
    seat = Seat(reviewer_id=own.reviewer_id, role=own.role)
    return {"recovery": Recovery(decision=RecoveryDecision.RETRY, by=seat, event_id=own.event_id, at=own.at)}


def approve_with_edits(move: Move, command: ApproveWithEdits) -> Transition | Refusal:
    """Add version n+1 by the reviewer. Their approval of it counts only if one person is enough."""
    proposed = apply_edit(move.situation.package, command.action_parameters)
    if isinstance(proposed, Refusal):
        return proposed
    authority, before, user_id = move.authority, move.state, move.situation.actor.actor_id
    refusal = add_version(move, proposed, barred={}, words={"comment": command.comment, "edited_by": user_id})
    if refusal:
        return refusal
    terms = terms_today(move.state, move.situation.policy)
    alone = terms.quorum == 1 and not move.situation.policy.separation.second_pair_of_eyes
    if alone and not _became_stricter(before, move.state) and authority:
        return _vote(move, command, HumanDecisionType.APPROVE_WITH_EDITS)
    barred = move.state.barred | {user_id: Bar.EDITOR}
    decision = HumanDecisionType.APPROVE_WITH_EDITS
    move.record(EventType.HUMAN_DECISION_RECORDED, {"barred": barred}, decision=decision)
    return check_reviewers(move.state, move.situation) or cover_absences(move).build()


def apply_edit(package: DecisionPackage | None, parameters: dict[str, Any]) -> DecisionPackage | Refusal:
    """The package with these parameters, if they differ and make a valid package."""
    if package is None or package.action_parameters is None:
        return refuse(Reason.NO_PARAMETERS)
    content = package.model_dump(mode="json", exclude_unset=True) | {"action_parameters": parameters}
    try:
        edited = DecisionPackage.model_validate(content)
    except ValidationError as fault:
        return refuse(Reason.EDIT_NOT_VALID, fault=_where_and_why(fault))
    # Compared as JSON, in which true is not 1.
    same = sha256_of(edited.action_parameters) == sha256_of(package.action_parameters)
    return refuse(Reason.NOTHING_EDITED) if same else edited


def _where_and_why(fault: ValidationError) -> str:
    first = fault.errors()[0]
    names = [str(step) for step in first["loc"][1:]]  # below action_parameters
    return ": ".join([".".join(names), first["msg"]] if names else [first["msg"]])


def _became_stricter(before: PackageState, after: PackageState) -> bool:
    return after.risk > before.risk or after.level > before.level


def answer(move: Move, command: Answer) -> Transition | Refusal:
    """Record an answer in words, or the data of a form with their text."""
    if refusal := check_answer(move.situation, command):
        return refusal
    data = command.answer_data
    text = command.answer if data is None else data_text(data)
    words: Words = {"answer": text, "answer_data": data, "comment": command.comment}
    return _decide_alone(move, command, Status.APPROVED, words)


def check_answer(situation: Situation, command: Answer) -> Refusal | None:
    """Refuse an answer without the form that the question asks for. A trial only asks who may answer."""
    package = situation.package
    if situation.trial:
        return None
    if package is None:
        return refuse(Reason.ANSWER_NOT_VALID, fault="the question itself cannot be read any more")
    schema, data = package.response_schema, command.answer_data
    if schema and data is not None and command.answer is None:
        fault = data_fault(schema, data)
        return refuse(Reason.ANSWER_NOT_VALID, fault=fault.removesuffix(".")) if fault else None
    if schema or data is not None or command.answer is None:
        return refuse(Reason.ANSWER_NOT_VALID, fault="it does not have the form that the question asks for")
    bound = package.answers and not package.free_answer
    return refuse(Reason.ANSWER_NOT_OFFERED) if bound and command.answer not in package.answers else None


def reject(move: Move, command: Reject) -> Transition | Refusal:
    if refusal := _check_tags(move.situation, command):
        return refusal
    noes: StateChanges = {"noes": (*move.state.noes, move.make_no())}
    return _decide_alone(move, command, Status.REJECTED, {"comment": command.comment, "tags": _tags_of(command)}, noes)


def _tags_of(command: Reject | Revise | RequestMoreEvidence) -> list[JsonValue] | None:
    return None if isinstance(command, RequestMoreEvidence) else [*command.tags] or None


def _check_tags(situation: Situation, command: Reject | Revise) -> Refusal | None:
    unknown = [tag for tag in command.tags if tag not in situation.policy.feedback.tags]
    return refuse(Reason.TAG_NOT_OFFERED, tag=unknown[0]) if unknown else None


def take_over(move: Move, command: TakeOver) -> Transition:
    return _decide_alone(move, command, Status.TAKEN_OVER, {"comment": command.comment})


def revise(move: Move, command: Revise) -> Transition | Refusal:
    if refusal := _check_tags(move.situation, command):
        return refusal
    return _ask_agent(move, command, Status.REVISION_REQUESTED)


def request_more_evidence(move: Move, command: RequestMoreEvidence) -> Transition:
    return _ask_agent(move, command, Status.EVIDENCE_REQUESTED)


def _ask_agent(move: Move, command: Revise | RequestMoreEvidence, status: Status) -> Transition:
    words: Words = {"instructions": command.instructions, "comment": command.comment, "tags": _tags_of(command)}
    answer_by = move.situation.now + move.state.terms.agent_answer
    return _decide_alone(move, command, status, words, {"answer_by": answer_by})


def defer(move: Move, command: Defer) -> Transition | Refusal:
    if refusal := check_new_time(move.state, command.until, move.situation):
        return refusal
    return _decide_alone(move, command, Status.DEFERRED, {"comment": command.comment}, {"wake_at": command.until})


def check_new_time(state: PackageState, until: datetime, situation: Situation) -> Refusal | None:
    """Refuse a time that has passed, or that is later than the policy and the package's own end allow."""
    latest = situation.now + situation.policy.windows.defer_at_most
    latest = min(latest, state.expires_at) if state.expires_at else latest
    if until <= situation.now:
        return refuse(Reason.TIME_NOT_AHEAD, of="now")
    return refuse(Reason.TIME_TOO_FAR, latest=latest.isoformat(timespec="minutes")) if until > latest else None


def _decide_alone(
    move: Move, command: HumanDecisionCommand, status: Status, words: Words, changes: StateChanges | None = None
) -> Transition:
    """Settle by one person: enough to stop, to send back, to defer or to take over."""
    event_id = move.event_id
    reviewer = seat_of_actor(move)
    move.record(EventType.HUMAN_DECISION_RECORDED, decision=command.decision, words=words)
    return settle(
        move,
        status,
        command.decision,
        Basis.HUMAN,
        reviewers=(reviewer,),
        event_id=event_id,
        rendering_id=command.rendering_id,
        changes=changes,
    ).build()


def seat_of_actor(move: Move) -> Seat:
    return Seat(reviewer_id=move.situation.actor.actor_id, role=_role(move))


def _role(move: Move) -> str:
    if move.authority is None:
        raise ValueError(f"{move.command.verb} by {move.situation.actor} has no authority, so it cannot be recorded")
    return move.authority.role
