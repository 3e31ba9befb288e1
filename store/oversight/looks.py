"""Blind second looks: who cannot give one, and what a person is asked to look at."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, func, select

from rules.people.directory import AUTO
from rules.state.events import EventType
from rules.state.model import PackageState
from rules.state.situation import Traces
from store.packages.packages import PACKAGES
from store.packages.queue import VOTES
from store.packages.states import parse_state
from store.schema.tables import EventRow, core

_EVENTS = core(EventRow)

_READING = (EventType.PACKAGE_DETAILS_OPENED, EventType.PACKAGE_FORM_OPENED)
_THIS = (_EVENTS.c.tenant_id == bindparam("tenant"), _EVENTS.c.package_id == bindparam("package"))
_FIRST_VOTE = (
    select(func.min(VOTES.c.at))
    .where(VOTES.c.tenant_id == bindparam("tenant"), VOTES.c.package_id == bindparam("package"))
    .scalar_subquery()
)
# A person who only read the package before anyone decided has learnt nothing about a decision.
_INVOLVED = (
    select(_EVENTS.c.actor)
    .distinct()
    .where(*_THIS, _EVENTS.c.actor != AUTO.actor_id)
    .where(_EVENTS.c.event_type.not_in(_READING) | (_EVENTS.c.occurred_at >= _FIRST_VOTE))
)
_LOOKING = select(PACKAGES.c.judge).where(PACKAGES.c.tenant_id == bindparam("tenant"), PACKAGES.c.judge.is_not(None))
_OPEN = select(PACKAGES.c.state).where(PACKAGES.c.tenant_id == bindparam("tenant"), PACKAGES.c.judge.is_not(None))
_OF_PERSON = (
    select(PACKAGES.c.state)
    .where(PACKAGES.c.tenant_id == bindparam("tenant"), PACKAGES.c.judge == bindparam("user"))
    .order_by(PACKAGES.c.decided_at)
)


def load_traces(connection: Connection, tenant_id: str, package_id: str) -> Traces:
    """Who cannot look at this package blindly, and who is asked for another look already."""
    key = {"tenant": tenant_id, "package": package_id}
    involved = connection.execute(_INVOLVED, key).scalars()
    looking = connection.execute(_LOOKING, {"tenant": tenant_id}).scalars()
    return Traces(involved=frozenset(involved), looking=frozenset(looking))


def list_open_looks(connection: Connection, tenant_id: str) -> list[PackageState]:
    """The packages that somebody is asked to look at, at most one for each person in the normal case."""
    return [parse_state(row.state) for row in connection.execute(_OPEN, {"tenant": tenant_id})]


def list_looks(connection: Connection, tenant_id: str, user_id: str) -> list[PackageState]:
    """The packages that this person is asked to look at blindly, at most one in the normal case."""
    rows = connection.execute(_OF_PERSON, {"tenant": tenant_id, "user": user_id})
    return [PackageState.model_validate_json(row.state) for row in rows]
