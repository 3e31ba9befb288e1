"""Reads everything that can be shown of a package, in one transaction.

Delivery draws cards and notes from the `Dossier` that it returns. Reading it at the moment of delivery, and not when
the package changed, is what lets ten changes become one update.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from blocks.words.dossier import Dossier, EarlierPackage, HistoryEvent
from rules.authority.blindness import Knows, knowledge
from rules.authority.mentions import Mentions, mentions_for, people_told
from rules.authority.quorum import tally
from rules.form_schema import FormSchema
from rules.package.model import DecisionPackage
from rules.policy.model import Policy
from rules.record.chain import Event
from rules.state.model import PackageState
from rules.state.terms import terms_today
from rules.state.transition import Words
from rules.threads.model import ThreadState, thread_key
from store.agents.agents import load_agent
from store.installation.installation import Installation
from store.packages.content import load_words
from store.packages.events import load_history
from store.packages.messages import SHOWN, revision_before_shown
from store.packages.packages import load_package
from store.packages.queue import list_similar_decided
from store.packages.versions import load_version_event_id
from store.threads.records import load_thread_record


def dossier_of(
    connection: Connection, installation: Installation, package_id: str, now: datetime, viewer: str | None
) -> Dossier | None:
    """The package as it is now, with its history. `blocks.card.blindness` leaves out what the viewer may not know.

    `viewer` is None for everyone in a channel. The earlier packages leave out those at which the viewer is asked to
    look blindly.
    """
    loaded = load_package(connection, installation.tenant_id, package_id)
    if loaded is None:
        return None
    state, roster = loaded.state, installation.roster(connection)
    events = _history(connection, state)
    thread = _thread(connection, state)
    of_thread = [thread.event_id] if thread and thread.event_id else []
    words = load_words(connection, state.tenant_id, *(event["event_id"] for event in events), *of_thread)
    proposer = load_agent(connection, state.tenant_id, state.agent_id)
    terms, who = terms_today(state, roster.policy), mentions_for(state, roster, now)
    return Dossier(
        state=state,
        package=_package(words, state.version_event_id),
        before=_package(words, load_version_event_id(connection, state, state.version - 1)),
        agent=proposer.name if proposer else state.agent_id,
        terms=terms,
        tally=tally(state, state.votes, terms, roster, now),
        decision_words=words.get(state.decision.event_id, {}) if state.decision else {},
        names=roster.names,
        mentions=_mentions(who),
        more_may_decide=who.more,
        says_success=roster.policy.outcomes.say_success,
        informed=tuple(f"<@{user}>" for user in people_told(state, roster)),
        second_pair=roster.policy.separation.second_pair_of_eyes,
        hides_voters=roster.policy.audit.sample.of(state.risk) > 0,
        parameters_schema=_parameters_schema(roster.policy, state.action_type),
        tags=roster.policy.feedback.tags,
        earlier_packages=tuple(
            _earlier(before)
            for before in list_similar_decided(connection, state)
            if knowledge(before, viewer) is not Knows.PROPOSAL
        ),
        thread=thread,
        thread_words=words.get(of_thread[0], {}) if of_thread else {},
        history=tuple(_history_event(event, words.get(event["event_id"], {})) for event in events),
    )


def _thread(connection: Connection, state: PackageState) -> ThreadState | None:
    """The package's own thread; for a package that names only a run, the thread that holds it."""
    key = thread_key(state.thread_id) if state.thread_id else state.hold and state.hold.thread_key
    return load_thread_record(connection, state.tenant_id, key) if key else None


def _history(connection: Connection, state: PackageState) -> list[Event]:
    """All events, but of the messages only the last few."""
    package = (state.tenant_id, state.decision_package_id)
    all_shown = state.message_count <= SHOWN
    return load_history(
        connection, *package, messages_after=0 if all_shown else revision_before_shown(connection, *package)
    )


def _parameters_schema(policy: Policy, action_type: str) -> FormSchema | None:
    entry = policy.listing(action_type).own
    return entry.parameters_schema if entry else None


def _package(words: dict[str, Words], event_id: str | None) -> DecisionPackage | None:
    posted = words.get(event_id or "", {}).get("package")
    return DecisionPackage.model_validate(posted) if posted else None


def _mentions(who: Mentions) -> tuple[str, ...]:
    return (*(f"<!subteam^{group}>" for group in who.groups), *(f"<@{user}>" for user in who.people))


def _earlier(state: PackageState) -> EarlierPackage:
    people = tuple(seat.reviewer_id for seat in state.decision.reviewers) if state.decision else ()
    return EarlierPackage(package_id=state.decision_package_id, status=state.status, at=state.updated_at, by=people)


def _history_event(event: Event, words: Words) -> HistoryEvent:
    fields = ("event_type", "actor", "decision", "basis", "reason", "outcome")
    authority, task = event["authority"] or {}, event["change"].get("task") or {}
    return HistoryEvent(
        at=datetime.fromisoformat(event["occurred_at"]),
        role=next(iter(authority.get("roles", ())), None),
        assignee=task.get("assigned_to"),
        version=event["package_version"],
        revision=event["revision"],
        mailed=_mailed_by(event),
        unconfirmed=frozenset(_mailed_by(event)) - frozenset(_mailed_by(event, confirmed_only=True)),
        words=words,
        **{name: event[name] for name in fields},
    )


def _mailed_by(event: Event, *, confirmed_only: bool = False) -> tuple[str, ...]:
    """Who got the mails that this event records. Events of older releases also list the mails of earlier events."""
    mails = [mail for mail in event["change"].get("mailed", ()) if mail["revision"] == event["revision"]]
    counted = [mail for mail in mails if mail.get("confirmed", True) or not confirmed_only]
    return tuple(dict.fromkeys(mail["user_id"] for mail in counted))
