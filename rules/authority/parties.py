"""The people behind a proposal. Every party must be resolved, or the package is refused.

`requested_by` and each link of `on_behalf_of` is a person in the directory (by user id or e-mail address), a registered
agent (its owner stands for it), or an outsider from a domain that the policy names. An outsider could be one of the
reviewers and nobody could tell, so silence does not count for their packages.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import NamedTuple

from rules.authority.authorization import Question, iter_eligible, question_of
from rules.package.model import DecisionPackage
from rules.people.directory import Roster, reference
from rules.people.lineage import Lineage
from rules.reasons import Reason, Refusal, refuse
from rules.scales import HITLLevel
from rules.state.changes import StateChanges
from rules.state.model import Bar, PackageState, Why
from rules.state.situation import Situation

CHAIN_BARS = "chain-bars-reviewers"


class Parties(NamedTuple):
    """The requester as the record names them, and everyone who may not approve."""

    requester: str
    barred: dict[str, Bar]


def named_parties(package: DecisionPackage) -> Iterator[tuple[str, str]]:
    """Each named party, with the field that names it."""
    if package.requested_by:
        yield "requested_by", package.requested_by
    for place, link in enumerate(package.on_behalf_of):
        yield f"on_behalf_of.{place}", link


def unresolved_parties(package: DecisionPackage, roster: Roster) -> tuple[str, ...]:
    """The parties that the directory itself does not name, neither by user id nor by e-mail address."""
    return tuple(dict.fromkeys(party for _, party in named_parties(package) if _in_directory(party, roster) is None))


def parties_of(package: DecisionPackage, owner: str, situation: Situation) -> Parties | Refusal:
    """The requester and everyone barred, or a refusal that lists the fields with unknown parties."""
    is_fresh = situation.roster.directory.is_fresh(situation.policy, situation.now)
    if any(named_parties(package)) and not is_fresh:
        return refuse(Reason.DIRECTORY_STALE)
    parties = resolve_parties(package, owner, situation.roster, situation.resolved_parties)
    if isinstance(parties, Refusal):
        return parties
    return parties._replace(barred=bars_of(situation.memory.lineage) | parties.barred)


def bars_of(lineage: Lineage | None) -> dict[str, Bar]:
    """Who may not approve because of what came before in the thread."""
    if lineage is None:
        return {}
    return dict.fromkeys(lineage.parties, Bar.NAMED_IN_THREAD) | dict.fromkeys(lineage.owners, Bar.EARLIER_IN_THREAD)


def resolve_parties(
    package: DecisionPackage, owner: str, roster: Roster, user_of_party: Mapping[str, str]
) -> Parties | Refusal:
    """`parties_of` for a directory that is known to be fresh.

    `user_of_party`: the user ids of parties that the directory itself does not name.
    """
    parties = {field: _resolve(party, roster, user_of_party) for field, party in named_parties(package)}
    unknown = [field for field, party in parties.items() if party is None]
    if unknown:
        return refuse(Reason.REQUESTER_UNKNOWN, fields=", ".join(unknown))
    owner_id = roster.user_of_reference(reference(owner))
    requester = parties.get("requested_by") or owner_id
    chain = {party: Bar.DELEGATION_CHAIN for party in parties.values() if party}
    return Parties(requester, chain | {owner_id: Bar.OWNER} | {requester: Bar.REQUESTER})


def _resolve(party: str, roster: Roster, user_of_party: Mapping[str, str]) -> str | None:
    """The user id, or the digest of an outsider's address; None if the party is unknown."""
    user_id = _in_directory(party, roster) or user_of_party.get(party)
    return user_id or (reference(party) if is_outsider(party, roster) else None)


def _in_directory(party: str, roster: Roster) -> str | None:
    person = roster.person(roster.user_of_reference(reference(party)))
    return person.user_id if person and not person.is_bot else None


def is_outsider(party: str, roster: Roster) -> bool:
    """Whether this is an e-mail address of a domain that the policy names and nobody in the directory has."""
    domain = party.rpartition("@")[2]
    return "@" in party and domain in roster.policy.directory.outsiders and domain not in roster.domains


def has_outsider(barred: Iterable[str]) -> bool:
    return any(party.startswith("email:") for party in barred)


def barred_by_chain(state: PackageState) -> list[str]:
    """The people who may not approve because the agent named them in `on_behalf_of`, here or earlier in the thread."""
    return [party for party, bar in state.barred.items() if bar in (Bar.DELEGATION_CHAIN, Bar.NAMED_IN_THREAD)]


def harden_for_chain(state: PackageState, situation: Situation) -> StateChanges:
    """The changes if fewer than two people could approve, and only because of the delegation chain."""
    links, question = barred_by_chain(state), question_of(state, situation.policy)
    without_links = {party: bar for party, bar in state.barred.items() if party not in links}
    if (
        not links
        or _two_could_approve(question, situation)
        or not _two_could_approve(question._replace(barred=without_links), situation)
    ):
        return {}
    return chain_hardening(state)


def chain_hardening(state: PackageState) -> StateChanges:
    """The changes of `harden_for_chain`, for a package that needs them."""
    named = "packages of this thread leave" if Bar.NAMED_IN_THREAD in state.barred.values() else "on_behalf_of leaves"
    because = f"the agent's {named} fewer than two people who could approve"
    why = Why(rule=CHAIN_BARS, level=HITLLevel.HARD_APPROVAL, because=because)
    reasons = sorted((why, *state.why), key=lambda reason: reason.level, reverse=True)
    return {"level": max(state.level, HITLLevel.HARD_APPROVAL), "why": tuple(reasons)}


def _two_could_approve(question: Question, situation: Situation) -> bool:
    second = islice(iter_eligible(situation.roster, question, situation.now), 1, 2)
    return next(second, None) is not None
