"""Rows of lists, as one person sees them. Without a title if retention has deleted the content.

`rows_of` loads titles, names and links for all rows at once. A row that is a blind second look shows the package as it
was proposed. `blocks.home.queue` draws the rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from blocks.home.queue import Row
from blocks.kit.ids import Ref
from blocks.words.status import status_label
from bot.slack.home.links import links_to_cards
from bot.slack.outgoing.client import SlackClient
from rules.authority.blindness import Knows, as_proposed, knowledge
from rules.authority.ladder import ladder_roles
from rules.people.directory import Roster
from rules.policy.model import Policy
from rules.state.commands import Verb, Verdict
from rules.state.model import PackageState, Status
from rules.state.terms import terms_today
from rules.verbs.trials import Offer, offer_to, requested_verb
from rules.wording import either_of
from store.agents.agents import agent_names
from store.packages.content import load_words
from store.packages.queue import GivenDecision

_LOOKING = Offer((Verb.JUDGE,))  # a blind second look offers nothing else


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who looks at a list, and when. `client` knows the addresses of cards."""

    user_id: str
    roster: Roster
    client: SlackClient
    now: datetime


def rows_of(connection: Connection, states: Sequence[PackageState], viewer: Viewer) -> tuple[Row, ...]:
    """The rows of these packages as the viewer may see them, in the same order."""
    if not states:
        return ()
    tenant_id = states[0].tenant_id
    words = load_words(connection, tenant_id, *(state.version_event_id for state in states))
    agents = agent_names(connection, tenant_id)
    links = links_to_cards(connection, viewer.client, states, viewer.user_id)
    return tuple(
        replace(
            _row(state, viewer, agents),
            title=_title(words.get(state.version_event_id, {}).get("package")),
            link=links.get(state.decision_package_id),
        )
        for state in states
    )


def _title(package: object) -> str | None:
    return str(package["title"]) if isinstance(package, dict) else None


def _row(state: PackageState, viewer: Viewer, agents: dict[str, str]) -> Row:
    look = state.open_look
    if look and look.judge == viewer.user_id:
        return replace(_plain_row(as_proposed(state), viewer, agents, _LOOKING), look_until=look.until)
    return _plain_row(state, viewer, agents, offer_to(state, viewer.roster, viewer.user_id, viewer.now))


def _plain_row(state: PackageState, viewer: Viewer, agents: dict[str, str], offer: Offer) -> Row:
    assignee, names = state.task.assigned_to, viewer.roster.names
    return Row(
        ref=Ref(state.decision_package_id, state.version, state.task.rung),
        title=None,
        agent=agents.get(state.agent_id, state.agent_id),
        requester=names.get(state.requester),
        risk=state.risk,
        level=state.level,
        status=state.status,
        status_label=_status_label(state, viewer),
        due_at=_due_at(state, viewer.roster.policy),
        on_hold=state.hold is not None and not state.status.terminal,
        role=None if state.status.terminal else _roles(state, viewer),
        assigned_to_me=assignee == viewer.user_id and not state.status.terminal,
        taken_by=names.get(assignee, assignee) if assignee and assignee != viewer.user_id else None,
        requested=requested_verb(state),
        offered=offer.verbs,
        missing=offer.missing,
    )


def _status_label(state: PackageState, viewer: Viewer) -> str:
    """With the verdict of a blind look, for those who may know it."""
    is_unsound = state.look is not None and state.verdict is Verdict.UNSOUND
    is_known = is_unsound and knowledge(state, viewer.user_id) is Knows.VERDICT
    return f"{status_label(state)}, judged unsound in a blind second look" if is_known else status_label(state)


def _due_at(state: PackageState, policy: Policy) -> datetime | None:
    """The deadline, or the time at which silence becomes consent, if it counts already. A hold stops both."""
    if state.status.terminal or state.hold:
        return None
    if not (state.soft and state.status is Status.PENDING):
        return state.ends_at
    return state.shown.at + terms_today(state, policy).soft_timeout if state.shown else None


def _roles(state: PackageState, viewer: Viewer) -> str:
    return either_of(ladder_roles(state, terms_today(state, viewer.roster.policy)))


def decided_rows(connection: Connection, decisions: Sequence[GivenDecision], viewer: Viewer) -> tuple[Row, ...]:
    """Packages that this person decided, with the decision and its time."""
    rows = rows_of(connection, [entry.package for entry in decisions], viewer)
    return tuple(
        replace(row, decision=entry.decision, decided_at=entry.at) for row, entry in zip(rows, decisions, strict=True)
    )
