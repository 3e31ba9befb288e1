"""Gathers all that there is to show of a package, in one reading."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from blocks.dossier import Dossier, Earlier, Happened
from rules.chain import Event
from rules.package import DecisionPackage
from rules.policy import Policy
from rules.scales import HITLLevel
from rules.state import PackageState, Status
from rules.terms import terms_today
from rules.transition import Words
from rules.votes import tally
from store.agents import agent
from store.content import words_of
from store.events import events_of
from store.house import House
from store.packages import load
from store.queue import decided_before
from store.versions import made_by


def dossier_of(connection: Connection, house: House, package_id: str, now: datetime) -> Dossier | None:
    """As it is now, with all that led there."""
    loaded = load(connection, house.tenant_id, package_id)
    if loaded is None:
        return None
    state, roster = loaded.state, house.roster(connection)
    events = events_of(connection, state.tenant_id, package_id)
    words = words_of(connection, state.tenant_id, *(event["event_id"] for event in events))
    proposer = agent(connection, state.tenant_id, state.agent_id)
    terms = terms_today(state, house.policy)
    return Dossier(
        state=state,
        package=_package(words, state.version_event_id),
        before=_package(words, made_by(connection, state, state.version - 1)),
        agent=proposer.name if proposer else state.agent_id,
        terms=terms,
        tally=tally(state, state.votes, terms, roster, now),
        said=words.get(state.decision.event_id, {}) if state.decision else {},
        names=roster.names,
        asked=asked(state, house.policy),
        earlier=tuple(_earlier(before) for before in decided_before(connection, state)),
        history=tuple(_happened(event, words.get(event["event_id"], {})) for event in events),
    )


def _package(words: dict[str, Words], event_id: str | None) -> DecisionPackage | None:
    posted = words.get(event_id or "", {}).get("package")
    return DecisionPackage.model_validate(posted) if posted else None


def asked(state: PackageState, policy: Policy) -> tuple[str, ...]:
    """Who is to be mentioned: whoever has taken it up, else the role. Silence needs no calling."""
    if state.status is not Status.PENDING or state.level < HITLLevel.HARD_APPROVAL:
        return ()
    if state.task.assigned_to:
        return (f"<@{state.task.assigned_to}>",)
    roles = [policy.roles[name] for name in (state.task.required_role, *state.terms.of_role) if name in policy.roles]
    groups = [f"<!subteam^{group}>" for role in roles for group in role.groups]
    return tuple(dict.fromkeys([*groups, *(f"<@{member}>" for role in roles for member in role.members)]))


def _earlier(state: PackageState) -> Earlier:
    people = tuple(seat.reviewer_id for seat in state.decision.reviewers) if state.decision else ()
    return Earlier(package_id=state.decision_package_id, status=state.status, at=state.updated_at, by=people)


def _happened(event: Event, words: Words) -> Happened:
    told = ("event_type", "actor", "decision", "basis", "reason", "outcome")
    return Happened(
        at=datetime.fromisoformat(event["occurred_at"]),
        version=event["package_version"],
        words=words,
        **{name: event[name] for name in told},
    )
