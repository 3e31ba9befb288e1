"""Callbacks as operators see them: what did not arrive and why, sent again, and addresses opened again."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, delete, func, select, tuple_, update

from store.agents.agents import AGENTS
from store.installation.tenancy import read_tenant_id
from store.outbox.callbacks import CALLBACKS, CallbackState, has_undelivered
from store.outbox.deliveries import QUIET

_DEAD = CALLBACKS.c.state == CallbackState.DEAD.value
_OPEN = [CallbackState.DUE.value, CallbackState.WAITING.value]


class CallbackAdminError(Exception):
    """What an operator asked for cannot be done; the sentence says what to do."""


class Counts(NamedTuple):
    due: float
    waiting: float
    dead: float
    closed_addresses: float


class CallbackInfo(NamedTuple):
    """`quiet_until`: its address asked to be left alone until then. `closed`: for good."""

    callback_id: str
    package_id: str
    agent_id: str
    agent: str | None
    revision: int
    event_type: str
    url: str
    state: CallbackState
    attempts: int
    due_at: datetime
    tried_at: datetime | None
    last_error: str | None
    created_at: datetime
    emptied: bool
    closed: bool
    quiet_until: datetime | None


def count_callbacks(connection: Connection) -> Counts:
    mine = read_tenant_id(connection)
    query = (
        select(CALLBACKS.c.state, func.count())
        .where(CALLBACKS.c.tenant_id == mine, CALLBACKS.c.state.in_([*_OPEN, CallbackState.DEAD.value]))
        .group_by(CALLBACKS.c.state)
    )
    by_state = {state: count for state, count in connection.execute(query)}  # noqa: C416 - rows are no pairs to mypy
    closed = select(func.count()).select_from(QUIET).where(QUIET.c.tenant_id == mine, QUIET.c.until.is_(None))
    return Counts(
        due=by_state.get(CallbackState.DUE, 0),
        waiting=by_state.get(CallbackState.WAITING, 0),
        dead=by_state.get(CallbackState.DEAD, 0),
        closed_addresses=connection.execute(closed).scalar_one(),
    )


def count_dead_since(connection: Connection, moment: datetime) -> int:
    mine = (CALLBACKS.c.tenant_id == read_tenant_id(connection), _DEAD, CALLBACKS.c.tried_at > moment)
    count: int = connection.execute(select(func.count()).select_from(CALLBACKS).where(*mine)).scalar_one()
    return count


def addresses_closed_since(connection: Connection, moment: datetime) -> list[str]:
    mine = (QUIET.c.tenant_id == read_tenant_id(connection), QUIET.c.until.is_(None), QUIET.c.since > moment)
    return list(connection.execute(select(QUIET.c.url).where(*mine).distinct().order_by(QUIET.c.url)).scalars())


def list_callbacks(
    connection: Connection, states: Collection[CallbackState], *, agent: str | None = None, limit: int
) -> list[CallbackInfo]:
    """The newest first."""
    wanted: list[ColumnElement[bool]] = [CALLBACKS.c.state.in_([state.value for state in states])]
    if agent is not None:
        wanted.append(AGENTS.c.name == agent)
    return _letters(connection, *wanted, limit=limit)


def find_callback(connection: Connection, callback_id: str) -> CallbackInfo:
    letters = _letters(connection, CALLBACKS.c.callback_id == callback_id, limit=1)
    if not letters:
        raise CallbackAdminError(f"there is no callback {callback_id}; `countersign callbacks list` shows them")
    return letters[0]


def _letters(connection: Connection, *wanted: ColumnElement[bool], limit: int) -> list[CallbackInfo]:
    its_agent = and_(AGENTS.c.tenant_id == CALLBACKS.c.tenant_id, AGENTS.c.agent_id == CALLBACKS.c.agent_id)
    its_address = and_(
        QUIET.c.tenant_id == CALLBACKS.c.tenant_id,
        QUIET.c.agent_id == CALLBACKS.c.agent_id,
        QUIET.c.url == CALLBACKS.c.url,
    )
    query = (
        select(CALLBACKS, AGENTS.c.name, QUIET.c.since, QUIET.c.until)
        .join(AGENTS, its_agent, isouter=True)
        .join(QUIET, its_address, isouter=True)
        .where(CALLBACKS.c.tenant_id == read_tenant_id(connection), *wanted)
        .order_by(CALLBACKS.c.created_at.desc(), CALLBACKS.c.callback_id.desc())
        .limit(limit)
    )
    return [
        CallbackInfo(
            callback_id=row.callback_id,
            package_id=row.package_id,
            agent_id=row.agent_id,
            agent=row.name,
            revision=row.revision,
            event_type=row.event_type,
            url=row.url,
            state=CallbackState(row.state),
            attempts=row.attempts,
            due_at=row.due_at,
            tried_at=row.tried_at,
            last_error=row.last_error,
            created_at=row.created_at,
            emptied=row.body is None,
            closed=row.since is not None and row.until is None,
            quiet_until=row.until,
        )
        for row in connection.execute(query)
    ]


def resend_callback(connection: Connection, callback_id: str, now: datetime) -> CallbackState:
    """At once, with all its attempts before it; or after what is still to be told of its package before."""
    letter = find_callback(connection, callback_id)
    if letter.closed:
        raise CallbackAdminError(
            f"the address of {callback_id} answered 410 Gone; `countersign callbacks enable URL` opens it again"
        )
    if letter.emptied:
        raise CallbackAdminError(
            f"retention has emptied the words of {callback_id}; the agent can read the package itself"
        )
    if letter.state is CallbackState.WAITING:
        raise CallbackAdminError(
            f"{callback_id} waits for one before it: `countersign callbacks list` shows which is due"
        )
    return _due_again(connection, letter, now)


def _due_again(connection: Connection, letter: CallbackInfo, now: datetime) -> CallbackState:
    mine = read_tenant_id(connection)
    first = letter.state is CallbackState.DUE or not has_undelivered(connection, mine, letter.package_id)
    state = CallbackState.DUE if first else CallbackState.WAITING
    this = (CALLBACKS.c.tenant_id == mine, CALLBACKS.c.callback_id == letter.callback_id)
    again = {"state": state.value, "attempts": 0, "due_at": now}
    connection.execute(update(CALLBACKS).where(*this, CALLBACKS.c.state == letter.state.value).values(**again))
    return state


Place = tuple[datetime, str, int]


class ResendResult(NamedTuple):
    """So many were sent again, and the place after which the next begin."""

    many: int
    following: Place | None


def resend_dead(
    connection: Connection, now: datetime, *, agent: str | None, after: Place | None, limit: int
) -> ResendResult:
    """Dead ones, the oldest first, but for what cannot be sent."""
    mine = read_tenant_id(connection)
    closed = select(QUIET.c.url).where(
        QUIET.c.tenant_id == mine,
        QUIET.c.agent_id == CALLBACKS.c.agent_id,
        QUIET.c.url == CALLBACKS.c.url,
        QUIET.c.until.is_(None),
    )
    wanted = [CALLBACKS.c.tenant_id == mine, _DEAD, CALLBACKS.c.body.is_not(None), ~closed.exists()]
    if agent is not None:
        of_agent = select(AGENTS.c.agent_id).where(AGENTS.c.tenant_id == mine, AGENTS.c.name == agent)
        wanted.append(CALLBACKS.c.agent_id.in_(of_agent))
    place = (CALLBACKS.c.created_at, CALLBACKS.c.package_id, CALLBACKS.c.revision)
    if after is not None:
        wanted.append(tuple_(*place) > tuple_(*after))
    rows = connection.execute(
        select(CALLBACKS.c.callback_id, *place).where(*wanted).order_by(*place).limit(limit)
    ).all()
    for row in rows:
        _due_again(connection, find_callback(connection, row.callback_id), now)
    last = rows[-1] if len(rows) == limit else None
    return ResendResult(len(rows), (last.created_at, last.package_id, last.revision) if last else None)


def enable_address(connection: Connection, url: str) -> int:
    """Opens an address again, for all agents for whom it was closed; how many dead letters can now be sent again."""
    mine = read_tenant_id(connection)
    gone = connection.execute(
        delete(QUIET).where(QUIET.c.tenant_id == mine, QUIET.c.url == url, QUIET.c.until.is_(None))
    )
    if not gone.rowcount:
        raise CallbackAdminError(
            "this address is not closed; `countersign callbacks list` names the addresses that are"
        )
    dead = (CALLBACKS.c.tenant_id == mine, _DEAD, CALLBACKS.c.url == url, CALLBACKS.c.body.is_not(None))
    count: int = connection.execute(select(func.count()).select_from(CALLBACKS).where(*dead)).scalar_one()
    return count
