"""The review queue: what waits for whom, the most urgent first; and what people decided before.

Every query follows an index from its beginning, so that a page costs the same in a long queue as in a short one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, CompoundSelect, Row, Select, bindparam, func, select, tuple_, union_all

from rules.authority import Standard, authorize, question_of
from rules.commands import HumanDecisionType
from rules.people import ReviewerAuthorization, Roster
from rules.scales import HITLLevel, RiskLevel
from rules.state import PackageState, Priority, Status
from rules.terms import priority_of
from store.packages import PACKAGES
from store.tables import VoteRow, core
from store.tasks import TASKS

VOTES = core(VoteRow)

LOOK_AT = 200  # tasks that are looked at for one page of what a person could take

_PLACE = (TASKS.c.priority, TASKS.c.due_at, TASKS.c.review_task_id)
_RANK = {priority: rank for rank, priority in enumerate(Priority)}
_TERMINAL = [status.value for status in Status if status.terminal]
_UNASSIGNED = TASKS.c.assigned_to.is_(None)

Condition = ColumnElement[bool]


class Place(NamedTuple):
    """A cursor: the place in the queue after which a page begins."""

    priority: int
    due_at: datetime
    review_task_id: str


class Page(NamedTuple):
    items: tuple[PackageState, ...]
    following: Place | None


def open_tasks(
    connection: Connection,
    tenant_id: str,
    roles: Collection[str] | None = None,
    *,
    limit: int,
    after: Place | None = None,
) -> Page:
    """What is asked of these roles, whoever has taken it up; of all roles, if none are named."""
    ways: list[list[Condition]] = [[]] if roles is None else [[TASKS.c.required_role == role] for role in sorted(roles)]
    return _whole(_rows(connection, tenant_id, ways, limit + 1, after), limit)


def assigned_to(
    connection: Connection, tenant_id: str, user_id: str, *, limit: int, after: Place | None = None
) -> Page:
    """What this person has taken up or was given."""
    return _whole(_rows(connection, tenant_id, [[TASKS.c.assigned_to == user_id]], limit + 1, after), limit)


def offered_to(  # noqa: PLR0913 - who asks, of what, from where on
    connection: Connection,
    tenant_id: str,
    roster: Roster,
    user_id: str,
    now: datetime,
    *,
    limit: int,
    after: Place | None = None,
) -> Page:
    """What nobody has taken up and this person could decide. A short page may be followed by another."""
    kept: list[PackageState] = []
    rows = _rows(connection, tenant_id, list(_asked_of(roster, user_id)), LOOK_AT + 1, after)
    for row in rows[:LOOK_AT]:
        state = PackageState.model_validate_json(row.state)
        if _could_take(state, roster, user_id, now):
            kept.append(state)
        if len(kept) == limit:
            return Page(tuple(kept), _place(row) if row is not rows[-1] else None)
    return Page(tuple(kept), _place(rows[LOOK_AT - 1]) if len(rows) > LOOK_AT else None)


def _asked_of(roster: Roster, user_id: str) -> Iterator[list[Condition]]:
    """The ways in which a task can be this person's: by the role that it asks, or as a part of its quorum."""
    policy = roster.policy
    roles = frozenset[str]().union(*(policy.held_with(role) for role in roster.roles_of(user_id)))
    yield from ([TASKS.c.required_role == role, _UNASSIGNED] for role in sorted(roles))
    for risk in RiskLevel:
        if not roles.isdisjoint(policy.tiers.of(risk).of_role):
            rank = _RANK[priority_of(risk)]
            yield [TASKS.c.priority == rank, TASKS.c.required_role.not_in(sorted(roles)), _UNASSIGNED]


def _could_take(state: PackageState, roster: Roster, user_id: str, now: datetime) -> bool:
    """Whether there is anything left here for this person to decide."""
    takeover = state.level is HITLLevel.HUMAN_TAKEOVER
    standard = Standard.TAKE_OVER if takeover else Standard.PROCEED
    voted = any(vote.reviewer_id == user_id for vote in state.votes)
    allowed = authorize(roster, user_id, standard, question_of(state), now)
    return not voted and isinstance(allowed, ReviewerAuthorization)


def _rows(
    connection: Connection, tenant_id: str, ways: Sequence[Sequence[Condition]], limit: int, after: Place | None
) -> Sequence[Row[Any]]:
    if not ways:
        return []
    found = _places(tenant_id, ways, after).order_by(*_ordinals()).limit(limit).subquery()
    of_task = (PACKAGES.c.tenant_id == tenant_id) & (PACKAGES.c.package_id == found.c.package_id)
    query = select(PACKAGES.c.state, found.c.priority, found.c.due_at, found.c.review_task_id).join(found, of_task)
    return connection.execute(query.order_by(found.c.priority, found.c.due_at, found.c.review_task_id)).all()
