"""Checks, when a permission is claimed, that today's directory and policy would still grant it.

If people approved, enough of their votes must still count. If the policy or silence let it through, today's policy must
still do so, and nobody may have said no to the same thing since. A stale directory proves nothing either way: the claim
is refused and the permission stays.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

from rules.authority.authorization import authorize_vote_today
from rules.authority.exceptions import standing_rules
from rules.authority.parties import bars_of
from rules.authority.quorum import tally
from rules.people.directory import AUTO
from rules.policy.model import Policy
from rules.reasons import Reason, Refusal, refuse
from rules.scales import HITLLevel
from rules.state.changes import apply_changes
from rules.state.commands import HumanDecisionType
from rules.state.decisions import WITHOUT_PEOPLE, Basis, Vote
from rules.state.events import Cause, DetailedReason
from rules.state.level import level_today, minimum_level_today, risk_today
from rules.state.model import PackageState, Status
from rules.state.noes import Similarity
from rules.state.situation import Situation
from rules.state.terms import terms_today
from rules.state.transition import Move, Transition
from rules.verbs.settling import settle
from rules.wording import humanize

_WHY_LOST: Mapping[Reason, str] = {
    Reason.UNKNOWN_PERSON: "they are no longer in the workspace",
    Reason.DEACTIVATED: "their account is deactivated",
    Reason.A_BOT: "their account is a bot",
    Reason.A_GUEST: "they are a guest",
    Reason.A_STRANGER: "they belong to another workspace",
    Reason.WRONG_ROLE: "they no longer have the role",
    Reason.OUT_OF_SCOPE: "their role no longer covers this action type",
    Reason.ABOVE_AUTHORITY: "their authority no longer reaches this risk",
}


class Invalidity(NamedTuple):
    """Why a permission is no longer valid: the reason in the record, and a sentence for people."""

    reason: Cause | DetailedReason
    because: str


def check_validity(state: PackageState, situation: Situation) -> Invalidity | Refusal | None:
    """Why the permission is no longer valid, or a refusal if that cannot be determined now. None: it is valid."""
    state = _with_bars_of_thread(state, situation)
    return _check_decision(state, situation) or (_check_retry(state, situation) if state.retry_open else None)


def _with_bars_of_thread(state: PackageState, situation: Situation) -> PackageState:
    """Also bar whom a handoff of the thread barred: a package submitted at the same moment may lack that."""
    bars = bars_of(situation.memory.lineage)
    return apply_changes(state, {"barred": bars | state.barred}) if bars.keys() - state.barred.keys() else state


def _check_retry(state: PackageState, situation: Situation) -> Invalidity | Refusal | None:
    """People allowed the retry, whoever or whatever allowed the first attempt."""
    if not situation.roster.directory.is_fresh(situation.policy, situation.now):
        return refuse(Reason.DIRECTORY_STALE)
    return _check_quorum(_at_todays_risk(state, situation.policy), state.retry_votes, situation)


def _check_decision(state: PackageState, situation: Situation) -> Invalidity | Refusal | None:
    if granted_without_people(state):
        return _check_unattended(state, situation)
    if not situation.roster.directory.is_fresh(situation.policy, situation.now):
        return refuse(Reason.DIRECTORY_STALE)
    return _check_votes_today(state, situation)


def _check_unattended(state: PackageState, situation: Situation) -> Invalidity | Refusal | None:
    """What no person granted: nobody has said no since, exceptions still hold, and today's policy lets it through."""
    earlier = situation.no_since(state)
    if earlier and earlier.similarity >= Similarity.SAME_SUBJECT:
        return Invalidity(Cause.EARLIER_NO, f"Since then {earlier.because}.")
    if state.exception_uses and not situation.roster.directory.is_fresh(situation.policy, situation.now):
        return refuse(Reason.DIRECTORY_STALE)
    set_aside, lacking = standing_rules(state, situation)
    if lacking:
        because = f"Exception {lacking.exception_id} no longer holds."
        return Invalidity(Cause.EXCEPTION_LOST.of_event(lacking.exception_id), because)
    if state.decision and state.decision.basis is Basis.SILENT_CONSENT:
        silent = minimum_level_today(situation.policy, state, set_aside) <= HITLLevel.SOFT_APPROVAL
        return None if silent else Invalidity(Cause.POLICY_CHANGED, "The policy no longer lets silence count here.")
    return _check_policy_grant(state, situation, set_aside)


def revoke_invalid(move: Move, lost: Invalidity) -> Transition:
    """Revoke the permission in the name of the service and refuse the claim, both in one transaction."""
    own = Move(move.state, move.command, replace(move.situation, actor=AUTO))
    settle(own, Status.REVOKED, None, Basis.POLICY, reason=lost.reason, words={"because": lost.because})
    return replace(own.build(), refusal=refuse(Reason.APPROVAL_NO_LONGER_VALID, because=lost.because))


def granted_without_people(state: PackageState) -> bool:
    """Whether no person granted it: then a person's No to the same thing outweighs the permission."""
    return state.decision is not None and state.decision.basis in WITHOUT_PEOPLE


def depends_on_autonomy(state: PackageState, policy: Policy) -> bool:
    """Whether the policy let it through only because of the agent's earned autonomy."""
    by_policy = state.decision is not None and state.decision.basis in (Basis.POLICY, Basis.EXCEPTION)
    return by_policy and level_today(policy, state) > HITLLevel.NOTIFY_ONLY


def _check_policy_grant(state: PackageState, situation: Situation, set_aside: frozenset[str]) -> Invalidity | None:
    level = level_today(situation.policy, state, situation.earned, set_aside)
    return _policy_requires(level) if level > HITLLevel.NOTIFY_ONLY else None


def _policy_requires(level: HITLLevel) -> Invalidity:
    return Invalidity(Cause.POLICY_CHANGED, f"The policy now asks for {humanize(level)} here.")


def _check_votes_today(state: PackageState, situation: Situation) -> Invalidity | None:
    policy, decision = situation.policy, state.decision
    set_aside, _ = standing_rules(state, situation)
    if (level := level_today(policy, state, set_aside=set_aside)) > HITLLevel.HARD_APPROVAL:
        return _policy_requires(level)
    alone = decision is not None and decision.decision is HumanDecisionType.APPROVE_WITH_EDITS
    if alone and policy.separation.second_pair_of_eyes:
        return Invalidity(Cause.POLICY_CHANGED, "The policy now asks for a second person to approve an edit.")
    today = _at_todays_risk(state, policy)
    return _check_quorum(today, _deciding_votes(today), situation)


def _at_todays_risk(state: PackageState, policy: Policy) -> PackageState:
    risk = risk_today(policy, state)
    return state if risk is state.risk else apply_changes(state, {"risk": risk})


def _deciding_votes(state: PackageState) -> tuple[Vote, ...]:
    """The votes that made the decision: approvals and overrides do not add up with each other."""
    override = state.decision.override_decision if state.decision else None
    return tuple(vote for vote in state.votes if vote.override_decision is override)


def _check_quorum(state: PackageState, votes: tuple[Vote, ...], situation: Situation) -> Invalidity | None:
    terms = terms_today(state, situation.policy)
    today = tally(state, votes, terms, situation.roster, situation.now)
    if today.complete:
        return None
    lost_vote = next((vote for vote in votes if vote not in today.votes), None)
    if lost_vote is None:
        because = f"The policy now asks for {today.needed} approvals; this one has {today.filled}."
        return Invalidity(Cause.QUORUM_NO_LONGER_COMPLETE, because)
    return _lost_vote(lost_vote, state, situation)


def _lost_vote(vote: Vote, state: PackageState, situation: Situation) -> Invalidity:
    refusal = authorize_vote_today(situation.roster, vote, state, situation.now)
    why = _WHY_LOST.get(refusal.reason) if isinstance(refusal, Refusal) else None
    name = situation.roster.names.get(vote.reviewer_id, vote.reviewer_id)
    because = f"The approval of {name} no longer counts: {why or 'they could not approve this today'}."
    return Invalidity(Cause.VOTE_NO_LONGER_COUNTS.of_event(vote.event_id), because)
