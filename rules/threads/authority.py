"""Who may control a thread.

Holding and cancelling only stop, so many people may: people with role and scope for one of its packages, its requester
or owner, and admins. Resuming lets the agent go on, so it asks more: the person who held it, or an independent person
with role, scope and authority for the gravest package. The owner or requester never ends someone else's hold.
"""

from __future__ import annotations

from collections.abc import Iterable

from rules.authority.authorization import authorize, identify, question_of
from rules.authority.standards import Standard
from rules.people.directory import Part, ReviewerAuthorization, references
from rules.reasons import Reason, Refusal, refuse
from rules.state.model import Bar, PackageState
from rules.threads.model import ThreadState
from rules.threads.situation import ThreadSituation

Authority = ReviewerAuthorization | Refusal


def may_stop(state: ThreadState, situation: ThreadSituation) -> Authority:
    """Authority to hold or cancel."""
    person = identify(situation.roster, situation.actor.actor_id, situation.now)
    if isinstance(person, Refusal):
        return person
    if person.user_id in situation.policy.admins:
        return _as(Part.ADMIN, state, person.user_id)
    # Agents choose the names of threads, so a party of one agent's package must not stop the packages of another.
    has_only_own_agents = all(package.agent_id in state.agents for package in situation.packages)
    if has_only_own_agents and not state.owners.isdisjoint(references(person)):
        return _as(Part.OWNER, state, person.user_id)
    standards = (Standard.ROUTE, Standard.PARTY) if has_only_own_agents else (Standard.ROUTE,)
    granted = _first_granted(_authorities(person.user_id, situation, standards))
    return granted or refuse(Reason.NOT_YOUR_THREAD)


def _authorities(user_id: str, situation: ThreadSituation, standards: tuple[Standard, ...]) -> Iterable[Authority]:
    for package in situation.packages:
        if package.thread_id is None:
            continue  # it only shares a run with the thread
        question = question_of(package, situation.policy, so_far=True)
        for standard in standards:
            yield authorize(situation.roster, user_id, standard, question, situation.now)


def _first_granted(results: Iterable[Authority]) -> ReviewerAuthorization | None:
    return next((result for result in results if isinstance(result, ReviewerAuthorization)), None)


def may_resume(state: ThreadState, situation: ThreadSituation) -> Authority:
    """Authority to let the agent go on."""
    user_id = situation.actor.actor_id
    person = identify(situation.roster, user_id, situation.now)
    if isinstance(person, Refusal):
        return person
    if state.by == user_id:
        return may_stop(state, situation)
    if is_party(state, situation, user_id):
        return refuse(Reason.NOT_YOURS_TO_RESUME, by=state.mention)
    gravest = _gravest(situation.packages)
    if gravest is None:
        admin = user_id in situation.policy.admins
        return _as(Part.ADMIN, state, user_id) if admin else refuse(Reason.NOT_ADMIN)
    return authorize(situation.roster, user_id, Standard.PROCEED, question_of(gravest, situation.policy), situation.now)


PARTIES = (Bar.REQUESTER, Bar.DELEGATION_CHAIN, Bar.OWNER)


def is_party(state: ThreadState, situation: ThreadSituation, user_id: str | None) -> bool:
    """Whether this person owns the agent, asked for one of the packages, or is on the chain of one."""
    person = situation.roster.person(user_id or "")
    barred = {party for package in situation.packages for party, bar in package.barred.items() if bar in PARTIES}
    return person is not None and not {*state.owners, *barred}.isdisjoint(references(person))


def _gravest(packages: Iterable[PackageState]) -> PackageState | None:
    """The package with the highest risk among the open ones or, if none is open, among all."""
    known = list(packages)
    still_open = [package for package in known if not package.status.terminal]
    return max(still_open or known, key=lambda package: package.risk, default=None)


def anyone(_: ThreadState, __: ThreadSituation) -> None:
    """The command's own rule decides who may give it."""


def only_owner_agent(state: ThreadState, situation: ThreadSituation) -> Authority | None:
    """None for the agent that owns the thread; a refusal for any other, which must not learn that it exists."""
    return None if situation.actor.actor_id == state.owner_agent else refuse(Reason.THREAD_UNKNOWN)


def _as(part: Part, state: ThreadState, user_id: str) -> ReviewerAuthorization:
    return ReviewerAuthorization(reviewer_id=user_id, roles=(), acting_as=part, tenant_id=state.tenant_id)
