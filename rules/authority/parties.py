"""Who stands behind a proposal: every party is found, or the package is refused.

`requested_by` and each link of `on_behalf_of` is a person of the directory (by user id, or by any address that is
theirs), a registered agent (its owner stands for it), or an outsider from a domain that the policy names. Of an
outsider nobody can say that they are not one of the reviewers, so silence does not count then.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import NamedTuple

from rules.authority.authorization import Question, iter_eligible, question_of
from rules.package.model import DecisionPackage
from rules.people.directory import Roster, reference
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
    """Each party with the field that names it."""
    if package.requested_by:
        yield "requested_by", package.requested_by
    for place, link in enumerate(package.on_behalf_of):
        yield f"on_behalf_of.{place}", link


def unresolved_parties(package: DecisionPackage, roster: Roster) -> tuple[str, ...]:
    """The parties that are neither a user id nor the first address of anyone in the directory."""
    return tuple(dict.fromkeys(who for _, who in named_parties(package) if _in_directory(who, roster) is None))


def parties_of(package: DecisionPackage, owner: str, situation: Situation) -> Parties | Refusal:
    """Everyone behind the package; or which fields name someone who cannot be found."""
    is_fresh = situation.roster.directory.is_fresh(situation.policy, situation.now)
    if any(named_parties(package)) and not is_fresh:
        return refuse(Reason.DIRECTORY_STALE)
    return resolve_parties(package, owner, situation.roster, situation.resolved_parties)


def resolve_parties(
    package: DecisionPackage, owner: str, roster: Roster, known: Mapping[str, str]
) -> Parties | Refusal:
    """The same, in a directory that is fresh."""
    found = {field: _found(who, roster, known) for field, who in named_parties(package)}
    unknown = [field for field, who in found.items() if who is None]
    if unknown:
        return refuse(Reason.REQUESTER_UNKNOWN, fields=", ".join(unknown))
    owned_by = roster.user_of_reference(reference(owner))
    requester = found.get("requested_by") or owned_by
    chain = {who: Bar.DELEGATION_CHAIN for who in found.values() if who}
    return Parties(requester, chain | {owned_by: Bar.OWNER} | {requester: Bar.REQUESTER})


def _found(who: str, roster: Roster, known: Mapping[str, str]) -> str | None:
    """The user id, or the digest of an outsider's address; nothing where it is nobody whom we know."""
    stands_for = known.get(who)
    return _in_directory(who, roster) or stands_for or (reference(who) if is_outsider(who, roster) else None)


def _in_directory(who: str, roster: Roster) -> str | None:
    person = roster.person(roster.user_of_reference(reference(who)))
    return person.user_id if person and not person.is_bot else None


def is_outsider(who: str, roster: Roster) -> bool:
    """An address from a domain that the policy names, and that no one in the directory has."""
    domain = who.rpartition("@")[2]
    return "@" in who and domain in roster.policy.directory.outsiders and domain not in roster.domains


def has_outsider(barred: Mapping[str, Bar]) -> bool:
    return any(who.startswith("email:") for who in barred)


def barred_by_chain(state: PackageState) -> list[str]:
    """Whom the agent keeps from approving by naming them in `on_behalf_of`."""
    return [who for who, bar in state.barred.items() if bar is Bar.DELEGATION_CHAIN]


def harden_for_chain(state: PackageState, situation: Situation) -> StateChanges:
    """What changes where the links of the chain, and they alone, leave fewer than two people who could approve."""
    links, question = barred_by_chain(state), question_of(state)
    others = {who: bar for who, bar in state.barred.items() if who not in links}
    if not links or _are_two(question, situation) or not _are_two(question._replace(barred=others), situation):
        return {}
    because = "the agent's on_behalf_of leaves fewer than two people who could approve"
    why = Why(rule=CHAIN_BARS, level=HITLLevel.HARD_APPROVAL, because=because)
    reasons = sorted((why, *state.why), key=lambda each: each.level, reverse=True)
    return {"level": max(state.level, HITLLevel.HARD_APPROVAL), "why": tuple(reasons)}


def _are_two(question: Question, situation: Situation) -> bool:
    second = islice(iter_eligible(situation.roster, question, situation.now), 1, 2)
    return next(second, None) is not None
