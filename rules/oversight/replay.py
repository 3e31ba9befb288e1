"""Replays a submission: the rules of `rules.verbs.submission` on the kept inputs, under another policy.

Each submission is replayed by itself, as if the other policy had been put in force just before it. What came before is
as it happened. So a replay under the policy of that time must give what the record says. If it does not, the inputs are
not all known or the rules have changed, and the submission is not replayed under any other policy.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple

from rules.authority.authorization import question_of
from rules.authority.parties import (
    CHAIN_BARS,
    Parties,
    barred_by_chain,
    chain_hardening,
    has_outsider,
    named_parties,
    resolve_parties,
)
from rules.oversight.earlier_profiles import UnknownProfileError
from rules.package.model import DecisionPackage
from rules.people.agent_keys import KeyScope
from rules.people.autonomy import AutonomyProfile, start_profile
from rules.people.directory import Agent, Directory, Roster, reference
from rules.people.lineage import Lineage
from rules.policy.model import Policy, Windows
from rules.reasons import Reason, Refusal
from rules.scales import HITLLevel
from rules.state.changes import apply_changes
from rules.state.model import PackageState
from rules.state.situation import Memory, Recollection, Situation, recall
from rules.string_enum import StringEnum
from rules.verbs.submission import Submit, check_no_earlier_no, propose

_NO_PUBLIC_URL, _NEVER_FALLS = "no-public-url", "never-falls"


class Obstacle(StringEnum):
    """Why a submission is not replayed."""

    EMPTIED = "emptied"  # retention erased its content
    ALTERED = "altered"  # its content was changed in the database
    UNREADABLE = "unreadable"
    POLICY = "policy"  # the policy of that time cannot be read
    EXCEPTION = "exception"  # exceptions are not replayed
    AUTONOMY = "autonomy"  # what the agent had earned then is not known
    PEOPLE = "people"  # it depends on the directory of that time, which is not kept
    DIFFERS = "differs"  # its replay under the policy of that time does not give what the record says


class PolicyAnswer(NamedTuple):
    """What a policy says of a package: its state, or the refusal."""

    state: PackageState | None = None
    refused: Reason | None = None


class Replay(NamedTuple):
    """`assumes_clicks`: whether silence counts depends on whether clicks could be proven then, which is not known.

    `held`: people are asked, or asked for more, only because the same action was asked about before.
    """

    before: PackageState
    after: PolicyAnswer
    assumes_clicks: bool = False
    held: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """What is kept of a submission. `recollect` is the memory of that time, for a policy's windows."""

    recorded: PackageState
    package: DecisionPackage
    scope: KeyScope
    lineage: Lineage | None
    profile: Callable[[str, Policy], AutonomyProfile | None]
    recollect: Callable[[Windows], Recollection]


def replay_submission(inputs: Inputs, old: Policy, new: Policy, *, clicks_provable: bool) -> Replay | Obstacle:
    """`clicks_provable`: whether they can be proven today, which stands for what is not known of that time."""
    try:
        return _replay(inputs, old, new, clicks_provable)
    except UnknownProfileError:
        return Obstacle.AUTONOMY


def _replay(inputs: Inputs, old: Policy, new: Policy, provable_today: bool) -> Replay | Obstacle:  # noqa: FBT001
    recorded = inputs.recorded
    if recorded.exception_uses or recorded.exception:
        return Obstacle.EXCEPTION
    rules = {why.rule for why in recorded.why}
    were_provable = _NO_PUBLIC_URL not in rules
    own = _answer(inputs, old, clicks_provable=were_provable).state
    if own is None or not _is_as_recorded(_with_chain(own) if CHAIN_BARS in rules else own, recorded):
        return Obstacle.DIFFERS
    provable = were_provable
    after = _answer(inputs, new, clicks_provable=provable)
    assumes = bool(after.state and after.state.soft and were_provable and not own.soft)
    if assumes and not provable_today:
        provable = False
        after = _answer(inputs, new, clicks_provable=False)
    held = _is_held(after, inputs, new, clicks_provable=provable)
    if after.state is None or not _depends_on_people(after.state):
        return Replay(recorded, after, assumes, held)
    if not _asks_the_same(own, old, after.state, new):
        return Obstacle.PEOPLE
    after = PolicyAnswer(_with_chain(after.state)) if CHAIN_BARS in rules else after
    return Replay(recorded, after, assumes, held)


def _is_held(after: PolicyAnswer, inputs: Inputs, new: Policy, *, clicks_provable: bool) -> bool:
    state = after.state
    if state is None or state.level <= HITLLevel.NOTIFY_ONLY or _NEVER_FALLS not in {why.rule for why in state.why}:
        return False
    free = _answer(inputs, new, clicks_provable=clicks_provable, with_earlier_level=False).state
    return free is not None and free.level < state.level


def _is_as_recorded(state: PackageState, recorded: PackageState) -> bool:
    return _compared(state) == _compared(recorded)


def _compared(state: PackageState) -> tuple[object, ...]:
    rules = [(why.rule, why.level) for why in state.why]
    no = state.earlier_no.event_id if state.earlier_no else None
    return state.level, rules, no, state.terms, state.risk, state.action_digest, state.whole_on_card


# One rule counts the people who could approve, and the directory of that time is not kept. Its result is in the record,
# and holds for another policy that asks the same people the same question.


def _with_chain(state: PackageState) -> PackageState:
    return apply_changes(state, chain_hardening(state))


def _depends_on_people(state: PackageState) -> bool:
    return state.level > HITLLevel.NOTIFY_ONLY and bool(barred_by_chain(state))


def _asks_the_same(own: PackageState, old: Policy, after: PackageState, new: Policy) -> bool:
    question = question_of(after, new)
    same_people = all(authority_in(old, role) == authority_in(new, role) for role in question.roles)
    return same_people and _depends_on_people(own) and question_of(own, old) == question


@lru_cache(maxsize=1024)
def authority_in(policy: Policy, role: str) -> object:
    """All that says who may act in this role: the roles that include it, who has these, and how far they reach."""
    return frozenset(policy.directory.guests), {
        name: (frozenset(own.members), frozenset(own.groups), frozenset(own.scopes), own.max_risk)
        for name, own in policy.roles.items()
        if role in policy.roles_implied_by(name)
    }


def _answer(inputs: Inputs, policy: Policy, *, clicks_provable: bool, with_earlier_level: bool = True) -> PolicyAnswer:
    recorded, package = inputs.recorded, inputs.package
    agent = Agent.from_valid(agent_id=recorded.agent_id, name="", owner=recorded.owner, scope=inputs.scope)
    situation = _situation(inputs, agent, policy, clicks_provable=clicks_provable)
    if not with_earlier_level:
        situation = replace(situation, memory=situation.memory.model_copy(update={"earlier_level": None}))
    if refusal := check_no_earlier_no(agent.agent_id, package, situation) or _check_parties(inputs, situation.roster):
        return PolicyAnswer(refused=refusal.reason)
    package_id = recorded.decision_package_id
    command = Submit.from_valid(command_id=package_id, decision_package_id=package_id, package=package)
    outcome = propose(command, agent, Parties(recorded.requester, recorded.barred), situation)
    return PolicyAnswer(refused=outcome.reason) if isinstance(outcome, Refusal) else PolicyAnswer(outcome)


def _situation(inputs: Inputs, agent: Agent, policy: Policy, *, clicks_provable: bool) -> Situation:
    recorded, lineage = inputs.recorded, inputs.lineage
    agents = (agent.agent_id, *(lineage.without(agent.agent_id) if lineage else ()))
    own, *others = (inputs.profile(name, policy) for name in agents)
    return Situation(
        policy=policy,
        roster=_nobody(policy),
        now=recorded.created_at,
        tenant_id=recorded.tenant_id,
        fresh_id="",
        actor=agent.actor,
        agent=agent,
        profile=own,
        earlier_profiles=tuple(
            profile or start_profile(name, recorded.action_type, policy)
            for name, profile in zip(agents[1:], others, strict=True)
        ),
        memory=Memory.from_valid(lineage=lineage, **recall(inputs.recollect(policy.windows), agents)),
        clicks_provable=clicks_provable,
    )


@lru_cache(maxsize=256)
def _nobody(policy: Policy) -> Roster:
    """The people are not those of that time, so no rule may look at them."""
    return Roster(policy, Directory())


def _check_parties(inputs: Inputs, roster: Roster) -> Refusal | None:
    """Refuse outsiders of domains that the policy does not name. Other parties were resolved then."""
    barred = inputs.recorded.barred
    if not has_outsider(barred):
        return None
    resolved = {
        party: inputs.recorded.requester
        for _, party in named_parties(inputs.package)
        if not (reference(party) in barred and has_outsider([reference(party)]))
    }
    parties = resolve_parties(inputs.package, inputs.recorded.owner, roster, resolved)
    return parties if isinstance(parties, Refusal) else None
