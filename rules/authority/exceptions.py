"""Exceptions to rules of the policy: which may be asked for, and which hold for a package at the moment.

An exception holds only while all of it could be approved today: today's policy still marks the rule and allows the
time, and each vote could be given in a role that the policy asks today. It lets nothing through for a package on which
too many of its approvers may not decide. All that is checked at each use. With a stale directory, no exception is known
to hold.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from rules.authority.authorization import vote_still_counts
from rules.authority.parties import bars_of
from rules.authority.quorum import tally
from rules.package.exceptions import (
    EXCEPTION_ACTION,
    NEVER_EXCEPTED,
    ExceptionUse,
    PolicyException,
    requested_exception,
)
from rules.package.model import DecisionPackage, ExceptionParameters, InterruptType, Kind, subject_digest
from rules.people.directory import Agent, Roster
from rules.policy.exceptions import marked_rules
from rules.policy.model import Policy
from rules.reasons import Reason, Refusal, refuse
from rules.scales import RiskLevel
from rules.spelling import normalize_name
from rules.state.changes import apply_changes
from rules.state.decisions import Vote
from rules.state.level import risk_today
from rules.state.model import Bar, PackageState, Status
from rules.state.situation import Situation
from rules.state.terms import asked_terms, role_for_all, terms_today
from rules.values import Value, write_duration
from rules.wording import humanize


class Candidate(Value):
    """A package for which a rule may be set aside. `barred`: they cannot have approved what lets it through."""

    agent_id: str
    owner: str
    kind: Kind
    action_type: str
    subject_digest: str | None
    barred: dict[str, Bar]

    @classmethod
    def of_package(cls, package: DecisionPackage, agent_id: str, owner: str, barred: dict[str, Bar]) -> Candidate:
        return cls(
            agent_id=agent_id,
            owner=owner,
            kind=package.kind,
            action_type=package.action_type,
            subject_digest=subject_digest(package),
            barred=barred,
        )

    @classmethod
    def of_state(cls, state: PackageState, situation: Situation) -> Candidate:
        """With those whom its thread barred since."""
        fields = {name: getattr(state, name) for name in cls.model_fields}
        return cls.from_valid(**fields | {"barred": bars_of(situation.memory.lineage) | state.barred})


# Which exceptions hold.


def rules_set_aside(candidate: Candidate, situation: Situation) -> dict[str, str]:
    """The rules that exceptions set aside for this package, each with the id of the oldest of its exceptions."""
    return {exception.rule: state.decision_package_id for state, exception in reversed(_holding(candidate, situation))}


def standing_rules(state: PackageState, situation: Situation) -> tuple[frozenset[str], ExceptionUse | None]:
    """The rules that are still set aside for this package, and the first use that no longer holds and is needed.

    A use is needed if its rule asks for more than the package's present level.
    """
    held = {
        (exception_state.decision_package_id, exception.rule)
        for exception_state, exception in _holding(Candidate.of_state(state, situation), situation)
        if situation.agent is None or situation.agent.owner == exception.owner
    }
    uses = state.exception_uses
    lost = [use for use in uses if (use.exception_id, use.rule) not in held]
    lacking = next((use for use in lost if use.asked > state.level), None)
    return frozenset(use.rule for use in uses if use not in lost), lacking


def _holding(candidate: Candidate, situation: Situation) -> list[tuple[PackageState, PolicyException]]:
    return [
        (state, state.exception)
        for state in situation.exceptions
        if state.exception
        and _covers(state, candidate)
        and why_not_in_force(state, situation.roster, situation.now, barred=candidate.barred) is None
    ]


def _covers(state: PackageState, candidate: Candidate) -> bool:
    """Whether the exception names this agent, type and subject. It stays with its agents and their owner."""
    exception = state.exception
    if exception is None or candidate.kind in NEVER_EXCEPTED:
        return False
    return (
        candidate.agent_id in exception.agents
        and candidate.owner == exception.owner
        and candidate.action_type in exception.action_types  # as it is spelled, because scopes of roles are
        and state.subject_digest in (None, candidate.subject_digest)
    )


def why_not_in_force(
    state: PackageState, roster: Roster, now: datetime, *, barred: Mapping[str, Bar] | None = None
) -> str | None:
    """Why the exception does not hold at the moment, for people; None: it holds.

    `barred`: those who may not decide on the package that would use it, so their votes do not count for it.
    """
    exception, policy = state.exception, roster.policy
    if exception is None or not state.is_granted_exception:
        return "it has ended" if state.status is Status.APPROVED else f"it is {humanize(state.status)}"
    if now >= exception_end(exception, policy):
        return "it has ended"
    if state.hold:
        return "its thread is held"
    if exception.rule not in marked_rules(policy.rules):
        return "the policy no longer allows exceptions to this rule"
    if not roster.directory.is_fresh(policy, now):
        return "the directory of people is out of date"
    today = apply_changes(state, {"risk": risk_today(policy, state), "barred": {**(barred or {}), **state.barred}})
    standing = tally(today, _votes_today(today, roster, now), terms_today(today, policy), roster, now)
    return None if standing.complete else "its approvals no longer count"


def _votes_today(state: PackageState, roster: Roster, now: datetime) -> tuple[Vote, ...]:
    """The votes that could be given in a role which today's policy asks about these types."""
    asked = asked_terms(roster.policy, state.action_type, state.exception, state.risk)
    roles = (asked.role, *asked.of_role, *asked.ladder)
    return tuple(
        vote for vote in state.votes if any(vote_still_counts(roster, vote, state, now, role) for role in roles)
    )


class ExceptionStanding(NamedTuple):
    """In one word: `holds`, `inactive` (granted, and it does not hold at the moment), `asked`, or how it ended.

    `end`: when it ends today. `because`: why it is inactive.
    """

    word: str
    end: datetime
    because: str | None = None


def exception_standing(
    state: PackageState, exception: PolicyException, roster: Roster, now: datetime
) -> ExceptionStanding:
    end = exception_end(exception, roster.policy)
    if not state.is_granted_exception:
        ended = "ended" if exception.ended_at else state.status.value
        return ExceptionStanding(ended if state.status.terminal else "asked", end)
    if now >= end:
        return ExceptionStanding("ended", end)
    because = why_not_in_force(state, roster, now)
    return ExceptionStanding("inactive" if because else "holds", end, because)


def exception_end(exception: PolicyException, policy: Policy) -> datetime:
    """When it ends: today's policy may allow less time than the one under which it was granted."""
    granted = exception.granted_at
    return min(exception.end, granted + policy.exceptions.at_most) if granted else exception.end


def ends_earlier(state: PackageState, policy: Policy) -> bool:
    """Whether it holds, and this policy allows it less time than the record says."""
    granted = state.exception if state.is_granted_exception else None
    return granted is not None and exception_end(granted, policy) < granted.end


# Which exceptions may be asked for.


def exception_asked(
    package: DecisionPackage, agent: Agent, risk: RiskLevel, situation: Situation
) -> PolicyException | Refusal | None:
    """The exception to a rule for which the package asks, if it may; None if it asks for none."""
    requested = requested_exception(package)
    if requested is None:
        return None
    agents = _named_agents(requested, agent, situation)
    if isinstance(agents, Refusal):
        return agents
    refusal = (
        _check_form(package)
        or _check_rule(requested, situation.policy)
        or _check_types(requested, agent, risk, situation.policy)
        or _check_end(requested, situation)
    )
    return refusal or PolicyException(
        rule=requested.rule or "",
        agents=agents,
        owner=agent.owner,
        action_types=requested.action_types,
        until=requested.expires_at,
    )


def changed_exception(before: PolicyException | None, after: PolicyException | None) -> list[str]:
    """The parameters that a later version changed although it must keep them. Only its end may come earlier."""
    if before is None or after is None:
        return [] if before is after else [_below("rule")]
    changed = {
        "rule": before.rule != after.rule,
        "agents": (before.agents, before.owner) != (after.agents, after.owner),
        "action_types": set(before.action_types) != set(after.action_types),
        "expires_at": before.until < after.until,
    }
    return [_below(name) for name, differs in changed.items() if differs]


def _not_valid(field: str, because: str) -> Refusal:
    return refuse(Reason.EXCEPTION_NOT_VALID, field=field, because=because)


def _below(name: str) -> str:
    return f"action_parameters.{name}"


def _named_agents(requested: ExceptionParameters, agent: Agent, situation: Situation) -> tuple[str, ...] | Refusal:
    """Ids of agents of the same owner; the asking agent alone if none is named."""
    agents = [situation.named_agents.get(name) for name in requested.agents]
    unknown = [
        name
        for name, named in zip(requested.agents, agents, strict=True)
        if named is None or named.owner != agent.owner
    ]
    if unknown:
        return _not_valid(_below("agents"), f"{unknown[0]} is no agent of the same owner")
    return tuple(dict.fromkeys(named.agent_id for named in agents if named)) or (agent.agent_id,)


def _check_form(package: DecisionPackage) -> Refusal | None:
    if package.action_type != EXCEPTION_ACTION:
        return _not_valid("action_type", f"an exception to a rule has the action_type {EXCEPTION_ACTION}")
    if package.interrupt_type is InterruptType.ERROR_RECOVERY:
        return _not_valid("interrupt_type", "an exception is not what people decide after a failure")
    if (package.subject_type is None) is not (package.subject_id is None):
        return _not_valid("subject_id", "a subject has both a subject_type and a subject_id")
    return None


def _check_rule(requested: ExceptionParameters, policy: Policy) -> Refusal | None:
    marked = marked_rules(policy.rules)
    if requested.rule in marked:
        return None
    allowed = f"it allows them to: {', '.join(marked)}" if marked else "it allows none at all"
    return _not_valid(_below("rule"), f"the policy allows no exceptions to the rule {requested.rule}; {allowed}")


def _check_types(requested: ExceptionParameters, agent: Agent, risk: RiskLevel, policy: Policy) -> Refusal | None:
    field = _below("action_types")
    if EXCEPTION_ACTION in map(normalize_name, requested.action_types):
        return _not_valid(field, "no exception covers asking for exceptions")
    beyond = [action_type for action_type in requested.action_types if not agent.scope.covers(action_type)]
    if beyond:
        return refuse(Reason.BEYOND_KEY, field=field, asked=beyond[0], allowed=", ".join(agent.scope.may))
    if role_for_all(policy, requested.action_types, risk) is None:
        return _not_valid(field, "different roles decide these types, so ask for an exception for each")
    return None


def _check_end(requested: ExceptionParameters, situation: Situation) -> Refusal | None:
    at_most = situation.policy.exceptions.at_most
    if requested.expires_at <= situation.now:
        return _not_valid(_below("expires_at"), "its end has passed")
    if requested.expires_at > situation.now + at_most:
        return _not_valid(_below("expires_at"), f"the policy allows exceptions for at most {write_duration(at_most)}")
    return None
