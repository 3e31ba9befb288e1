"""The review queue: open tasks, the most urgent first, past decisions, and packages picked for a second look.

Queries for one person follow an index, so a page costs the same in a long queue as in a short one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, case, func, or_, select, text, tuple_

from rules.authority.authorization import authorize, question_of
from rules.authority.standards import Standard
from rules.oversight.statistics import Age, Waiting
from rules.people.directory import ReviewerAuthorization, Roster
from rules.scales import HITLLevel, RiskLevel
from rules.state.commands import HumanDecisionType
from rules.state.model import PackageState, Priority, Status
from rules.state.terms import priority_of
from store.packages.packages import PACKAGES
from store.packages.paging import OF_TASK, Cursor, Keep, Page, read_page
from store.packages.search import Condition, Searcher
from store.packages.tasks import TASKS
from store.schema.tables import SAMPLED, VoteRow, core

VOTES = core(VoteRow)

_SECOND_LOOKS = 1_000  # only the newest are offered; older ones without a verdict are dropped
_BLIND = '%"look":{"judge":%'  # the state of a package that was picked for a blind look, open or ended
_RANK = {priority: rank for rank, priority in enumerate(Priority)}
# Picked for a second look: they proceeded without a person or against the recommendation, and were not revoked.
IS_SAMPLED = (
    text(SAMPLED),
    PACKAGES.c.status.in_([Status.APPROVED.value, Status.CONSENTED.value, Status.OVERRIDDEN.value]),
)
_TERMINAL = [status.value for status in Status if status.terminal]
_UNASSIGNED = TASKS.c.assigned_to.is_(None)


def list_open_tasks(
    connection: Connection,
    tenant_id: str,
    roles: Collection[str] | None = None,
    *,
    limit: int,
    after: Cursor | None = None,
    searcher: Searcher | None = None,
    keep: Keep | None = None,
) -> Page:
    """Open tasks of these roles, or of all roles, whether they are assigned or not."""
    any_of: list[list[Condition]] = (
        [[]] if roles is None else [[TASKS.c.required_role == role] for role in sorted(roles)]
    )
    return read_page(connection, tenant_id, any_of, limit=limit, after=after, searcher=searcher, keep=keep)


def pending_revisions(connection: Connection, tenant_id: str) -> dict[str, int]:
    """The revision of each package that waits for a decision, the most urgent first. Cheap: no state is read."""
    query = (
        select(PACKAGES.c.package_id, PACKAGES.c.revision)
        .join_from(TASKS, PACKAGES, OF_TASK)
        .where(TASKS.c.tenant_id == tenant_id, TASKS.c.open, PACKAGES.c.status == Status.PENDING.value)
        .order_by(TASKS.c.priority, TASKS.c.due_at)
    )
    return {row.package_id: row.revision for row in connection.execute(query)}


def is_any_pending(connection: Connection, tenant_id: str) -> bool:
    """Whether any package waits for a person, or for silence. Follows the index on `decided_at`."""
    waits = (PACKAGES.c.decided_at.is_(None), PACKAGES.c.status == Status.PENDING.value)
    query = select(PACKAGES.c.package_id).where(PACKAGES.c.tenant_id == tenant_id, *waits).limit(1)
    return connection.execute(query).first() is not None


def list_gravely_waiting(connection: Connection, tenant_id: str) -> list[str]:
    """Packages of which people may have to be told although Slack works: takeovers, critical and escalated ones."""
    is_grave = or_(
        PACKAGES.c.level == HITLLevel.HUMAN_TAKEOVER.value,
        PACKAGES.c.risk == RiskLevel.CRITICAL.value,
        TASKS.c.rung > 0,
    )
    query = (
        select(PACKAGES.c.package_id)
        .join_from(TASKS, PACKAGES, OF_TASK)
        .where(TASKS.c.tenant_id == tenant_id, TASKS.c.open, PACKAGES.c.status == Status.PENDING.value, is_grave)
        .order_by(TASKS.c.priority, TASKS.c.due_at)
    )
    return list(connection.execute(query).scalars())


def list_assigned(
    connection: Connection,
    tenant_id: str,
    user_id: str,
    *,
    limit: int,
    after: Cursor | None = None,
    searcher: Searcher | None = None,
) -> Page:
    """Open tasks assigned to this person."""
    any_of = [[TASKS.c.assigned_to == user_id]]
    return read_page(connection, tenant_id, any_of, limit=limit, after=after, searcher=searcher)


def list_offered(
    connection: Connection,
    tenant_id: str,
    roster: Roster,
    user_id: str,
    now: datetime,
    *,
    limit: int,
    after: Cursor | None = None,
    searcher: Searcher | None = None,
) -> Page:
    """Unassigned tasks that this person could decide."""
    any_of = list(_offered_conditions(roster, user_id))

    def can_decide(state: PackageState) -> bool:
        return _can_decide(state, roster, user_id, now)

    return read_page(connection, tenant_id, any_of, limit=limit, after=after, searcher=searcher, keep=can_decide)


def _offered_conditions(roster: Roster, user_id: str) -> Iterator[list[Condition]]:
    """Conditions under which a person can take a task, each task under at most one of them.

    It requires their role, or its quorum includes their role, or the ladder has climbed and may have kept their role.
    """
    policy = roster.policy
    roles = frozenset[str]().union(*(policy.roles_implied_by(role) for role in roster.roles_of(user_id)))
    yield from ([TASKS.c.required_role == role, _UNASSIGNED] for role in sorted(roles))
    by_quorum = [_RANK[priority_of(risk)] for risk in RiskLevel if not roles.isdisjoint(policy.tiers.of(risk).of_role)]
    for rank in by_quorum:
        yield [TASKS.c.priority == rank, TASKS.c.required_role.not_in(sorted(roles)), _UNASSIGNED]
    climbed = [TASKS.c.rung > 0, TASKS.c.priority.not_in(by_quorum), _UNASSIGNED]
    above = sorted(policy.roles.keys() - roles) if roles else []
    yield from ([TASKS.c.required_role == role, *climbed] for role in above)


def _can_decide(state: PackageState, roster: Roster, user_id: str, now: datetime) -> bool:
    """Whether this person may decide and has not voted yet."""
    takeover = state.level is HITLLevel.HUMAN_TAKEOVER
    standard = Standard.TAKE_OVER if takeover else Standard.PROCEED
    voted = any(vote.reviewer_id == user_id for vote in state.votes)
    allowed = authorize(roster, user_id, standard, question_of(state, roster.policy), now)
    return not voted and isinstance(allowed, ReviewerAuthorization)


def count_open_items(connection: Connection, tenant_id: str, people: Collection[str]) -> dict[str, int]:
    """The number of open tasks of each of these people."""
    conditions = (TASKS.c.tenant_id == tenant_id, TASKS.c.open, TASKS.c.assigned_to.in_(sorted(people)))
    query = select(TASKS.c.assigned_to, func.count()).where(*conditions).group_by(TASKS.c.assigned_to)
    return dict.fromkeys(sorted(people), 0) | {str(user_id): count for user_id, count in connection.execute(query)}


_YOUNGER_THAN = {Age.UNDER_1H: 1, Age.UNDER_4H: 4, Age.UNDER_24H: 24, Age.UNDER_3D: 72}


def count_open(connection: Connection, tenant_id: str) -> int:
    """The number of open tasks."""
    query = select(func.count()).select_from(TASKS).where(TASKS.c.tenant_id == tenant_id, TASKS.c.open)
    count: int = connection.execute(query).scalar_one()
    return count


def count_waiting(connection: Connection, tenant_id: str, now: datetime) -> tuple[Waiting, ...]:
    """How many tasks are open, by level and age."""
    since = ((now - timedelta(hours=hours), age.value) for age, hours in _YOUNGER_THAN.items())
    age = case(*((PACKAGES.c.created_at > begin, name) for begin, name in since), else_=Age.OLDER.value).label("age")
    query = (
        select(PACKAGES.c.level, age, func.count().label("tasks"))
        .join_from(TASKS, PACKAGES, OF_TASK)
        .where(TASKS.c.tenant_id == tenant_id, TASKS.c.open)
        .group_by(PACKAGES.c.level, "age")
    )
    rows = connection.execute(query).all()
    counts = [Waiting(level=HITLLevel(row.level), age=Age(row.age), count=row.tasks) for row in rows]
    return tuple(sorted(counts, key=lambda count: (count.level, list(Age).index(count.age))))


class GivenDecision(NamedTuple):
    """A person's decision, and the package as it is now."""

    at: datetime
    event_id: str
    decision: HumanDecisionType
    version: int
    package: PackageState


def list_decisions_by(
    connection: Connection, tenant_id: str, reviewer_id: str, *, limit: int, after: tuple[datetime, str] | None = None
) -> list[GivenDecision]:
    """Decisions of this person, newest first, after the given one."""
    of_vote = (PACKAGES.c.tenant_id == VOTES.c.tenant_id) & (PACKAGES.c.package_id == VOTES.c.package_id)
    query = (
        select(VOTES.c.at, VOTES.c.event_id, VOTES.c.decision, VOTES.c.version, PACKAGES.c.state)
        .join_from(VOTES, PACKAGES, of_vote)
        .where(VOTES.c.tenant_id == tenant_id, VOTES.c.reviewer_id == reviewer_id)
        .order_by(VOTES.c.at.desc(), VOTES.c.event_id.desc())
        .limit(limit)
    )
    if after is not None:
        query = query.where(tuple_(VOTES.c.at, VOTES.c.event_id) < tuple_(*after))
    return [
        GivenDecision(at, event_id, HumanDecisionType(decision), version, PackageState.model_validate_json(state))
        for at, event_id, decision, version, state in connection.execute(query)
    ]


def list_similar_decided(connection: Connection, state: PackageState, *, limit: int = 3) -> list[PackageState]:
    """Ended packages with the same action type and subject, newest first; none if the package has no subject."""
    if state.subject_digest is None:
        return []
    query = (
        select(PACKAGES.c.state)
        .where(
            PACKAGES.c.tenant_id == state.tenant_id,
            PACKAGES.c.action_type == state.action_type,
            PACKAGES.c.subject_digest == state.subject_digest,
            PACKAGES.c.status.in_(_TERMINAL),
            PACKAGES.c.package_id != state.decision_package_id,
        )
        .order_by(PACKAGES.c.updated_at.desc())
        .limit(limit)
    )
    return [PackageState.model_validate_json(row.state) for row in connection.execute(query)]


def list_unjudged(connection: Connection, tenant_id: str) -> list[PackageState]:
    """Packages picked for a second look that have no verdict yet, newest first, without blind looks."""
    query = (
        select(PACKAGES.c.state)
        .where(PACKAGES.c.tenant_id == tenant_id, *IS_SAMPLED, PACKAGES.c.verdict.is_(None))
        .where(PACKAGES.c.state.not_like(_BLIND))
        .order_by(PACKAGES.c.decided_at.desc())
        .limit(_SECOND_LOOKS)
    )
    return [PackageState.model_validate_json(row.state) for row in connection.execute(query)]
