"""Lets operators list callbacks, resend failed ones, and enable closed addresses again.

A callback that has failed too often is *dead* and is never sent again by itself. An address that answered 410 is
*closed*: nothing is sent there until an operator enables it. Callbacks of one package keep their order, so a resent
one can wait for an earlier one. Mails are in the same outbox and are listed here too.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, case, delete, func, or_, select, tuple_, update

from store.agents.agents import AGENTS
from store.installation.installation import PEOPLE
from store.installation.tenancy import read_tenant_id
from store.outbox import mail_resends
from store.outbox.callbacks import CALLBACKS, CallbackState, PostKind, has_undelivered
from store.outbox.deliveries import QUIET

_DEAD = CALLBACKS.c.state == CallbackState.DEAD.value
_IS_MAIL = CALLBACKS.c.kind == PostKind.MAIL.value
_OPEN = [CallbackState.DUE.value, CallbackState.WAITING.value]


class CallbackAdminError(Exception):
    """An operator's request cannot be fulfilled; the message says what to do."""


class CallbackCounts(NamedTuple):
    """All are NaN if the database is away."""

    due: float
    waiting: float
    dead: float
    closed_addresses: float


class ListedCallback(NamedTuple):
    """`agent` and `person`: the name of the agent, or of the person who gets the mail.

    `quiet_until`: nothing is sent to the address before. `closed`: nothing is sent until an operator enables it.
    """

    callback_id: str
    package_id: str
    agent_id: str
    agent: str | None
    person: str | None
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
    kind: PostKind
    unanswered: int

    @property
    def is_written_again(self) -> bool:
        """Whether resending it writes another mail: it was given up, and cannot have arrived."""
        return self.kind is PostKind.MAIL and self.state is CallbackState.DEAD and not self.unanswered


def count_callbacks(connection: Connection) -> CallbackCounts:
    """The number of undelivered callbacks by state, and of closed addresses."""
    tenant_id = read_tenant_id(connection)
    query = (
        select(CALLBACKS.c.state, func.count())
        .where(
            CALLBACKS.c.tenant_id == tenant_id,
            CALLBACKS.c.kind == PostKind.CALLBACK.value,
            CALLBACKS.c.state.in_([*_OPEN, CallbackState.DEAD.value]),
        )
        .group_by(CALLBACKS.c.state)
    )
    by_state = {state: count for state, count in connection.execute(query)}  # noqa: C416 - to mypy, rows are not pairs
    closed = select(func.count()).select_from(QUIET).where(QUIET.c.tenant_id == tenant_id, QUIET.c.until.is_(None))
    return CallbackCounts(
        due=by_state.get(CallbackState.DUE, 0),
        waiting=by_state.get(CallbackState.WAITING, 0),
        dead=by_state.get(CallbackState.DEAD, 0),
        closed_addresses=connection.execute(closed).scalar_one(),
    )


def count_dead_since(connection: Connection, moment: datetime) -> int:
    conditions = (CALLBACKS.c.tenant_id == read_tenant_id(connection), _DEAD, CALLBACKS.c.tried_at > moment)
    count: int = connection.execute(select(func.count()).select_from(CALLBACKS).where(*conditions)).scalar_one()
    return count


def addresses_closed_since(connection: Connection, moment: datetime) -> list[str]:
    conditions = (QUIET.c.tenant_id == read_tenant_id(connection), QUIET.c.until.is_(None), QUIET.c.since > moment)
    return list(connection.execute(select(QUIET.c.url).where(*conditions).distinct().order_by(QUIET.c.url)).scalars())


def list_callbacks(
    connection: Connection, states: Collection[CallbackState], *, agent: str | None = None, limit: int
) -> list[ListedCallback]:
    """Callbacks and mails in these states, the newest first."""
    wanted: list[ColumnElement[bool]] = [CALLBACKS.c.state.in_([state.value for state in states])]
    if agent is not None:
        wanted.append(AGENTS.c.name == agent)
    return _load_callbacks(connection, *wanted, limit=limit)


def find_callback(connection: Connection, callback_id: str) -> ListedCallback:
    callbacks = _load_callbacks(connection, CALLBACKS.c.callback_id == callback_id, limit=1)
    if not callbacks:
        raise CallbackAdminError(f"there is no callback {callback_id}; `countersign callbacks list` shows them")
    return callbacks[0]


def _load_callbacks(connection: Connection, *wanted: ColumnElement[bool], limit: int) -> list[ListedCallback]:
    same_agent = and_(AGENTS.c.tenant_id == CALLBACKS.c.tenant_id, AGENTS.c.agent_id == CALLBACKS.c.agent_id)
    same_address = and_(
        QUIET.c.tenant_id == CALLBACKS.c.tenant_id,
        QUIET.c.agent_id == CALLBACKS.c.agent_id,
        QUIET.c.url == CALLBACKS.c.url,
    )
    same_person = and_(PEOPLE.c.tenant_id == CALLBACKS.c.tenant_id, PEOPLE.c.user_id == CALLBACKS.c.agent_id, _IS_MAIL)
    query = (
        select(CALLBACKS, AGENTS.c.name, PEOPLE.c.name.label("person"), QUIET.c.since, QUIET.c.until)
        .join(AGENTS, same_agent, isouter=True)
        .join(PEOPLE, same_person, isouter=True)
        .join(QUIET, same_address, isouter=True)
        .where(CALLBACKS.c.tenant_id == read_tenant_id(connection), *wanted)
        .order_by(CALLBACKS.c.created_at.desc(), CALLBACKS.c.callback_id.desc())
        .limit(limit)
    )
    return [
        ListedCallback(
            callback_id=row.callback_id,
            package_id=row.package_id,
            agent_id=row.agent_id,
            agent=row.name,
            person=row.person,
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
            kind=PostKind(row.kind),
            unanswered=row.unanswered,
        )
        for row in connection.execute(query)
    ]


def resend_callback(connection: Connection, callback_id: str, now: datetime) -> CallbackState:
    """Send a callback again with all its attempts: at once, or after earlier callbacks of its package."""
    callback = find_callback(connection, callback_id)
    if callback.closed:
        raise CallbackAdminError(
            f"the address of {callback_id} answered 410 Gone; `countersign callbacks enable URL` opens it again"
        )
    if callback.emptied and not callback.is_written_again:
        raise CallbackAdminError(
            f"retention has emptied the words of {callback_id}; the agent can read the package itself"
        )
    if callback.kind is PostKind.MAIL and callback.state in (CallbackState.DELIVERED, CallbackState.DROPPED):
        raise CallbackAdminError(f"{callback_id} is a mail that is {callback.state}: nobody is told twice")
    if callback.state is CallbackState.WAITING:
        raise CallbackAdminError(
            f"{callback_id} waits for one before it: `countersign callbacks list` shows which is due"
        )
    return _due_again(connection, callback, now)


def _due_again(connection: Connection, callback: ListedCallback, now: datetime) -> CallbackState:
    if callback.kind is PostKind.MAIL and callback.state is CallbackState.DEAD:
        return _mail_again(connection, callback, now)
    tenant_id = read_tenant_id(connection)
    first = callback.state is CallbackState.DUE or not has_undelivered(
        connection, tenant_id, callback.package_id, callback.agent_id
    )
    state = CallbackState.DUE if first else CallbackState.WAITING
    this = (CALLBACKS.c.tenant_id == tenant_id, CALLBACKS.c.callback_id == callback.callback_id)
    # A mail that may have arrived is tried once more with the same text.
    unanswered = case((CALLBACKS.c.unanswered > 0, 1), else_=0)
    again = {"state": state.value, "attempts": 0, "due_at": now, "unanswered": unanswered}
    connection.execute(update(CALLBACKS).where(*this, CALLBACKS.c.state == callback.state.value).values(**again))
    return state


def _mail_again(connection: Connection, mail: ListedCallback, now: datetime) -> CallbackState:
    tenant_id = read_tenant_id(connection)
    if mail.is_written_again:
        mail_resends.tell_again(connection, tenant_id, mail.callback_id, now)
        return CallbackState.DUE
    if mail_resends.is_over(connection, tenant_id, mail.callback_id):
        raise CallbackAdminError(f"nothing that {mail.callback_id} tells is still so: someone acted meanwhile")
    if not mail_resends.reopen_mail(
        connection, tenant_id, mail.callback_id, user_id=mail.agent_id, lane=mail.event_type, now=now
    ):
        raise CallbackAdminError(
            f"another mail to the same person must be sent before {mail.callback_id};"
            " `countersign callbacks list` shows it"
        )
    return CallbackState.DUE


Place = tuple[datetime, str, int]


class ResendResult(NamedTuple):
    """How many callbacks were resent, and the place after which to continue."""

    resent: int
    following: Place | None


def resend_dead(
    connection: Connection, now: datetime, *, agent: str | None, after: Place | None, limit: int
) -> ResendResult:
    """Resend dead callbacks, the oldest first, except those that cannot be sent now."""
    tenant_id = read_tenant_id(connection)
    closed = select(QUIET.c.url).where(
        QUIET.c.tenant_id == tenant_id,
        QUIET.c.agent_id == CALLBACKS.c.agent_id,
        QUIET.c.url == CALLBACKS.c.url,
        QUIET.c.until.is_(None),
    )
    wanted = [CALLBACKS.c.tenant_id == tenant_id, _DEAD, ~closed.exists()]
    wanted.append(or_(CALLBACKS.c.body.is_not(None), and_(_IS_MAIL, CALLBACKS.c.unanswered == 0)))
    if agent is not None:
        of_agent = select(AGENTS.c.agent_id).where(AGENTS.c.tenant_id == tenant_id, AGENTS.c.name == agent)
        wanted.append(CALLBACKS.c.agent_id.in_(of_agent))
    place = (CALLBACKS.c.created_at, CALLBACKS.c.package_id, CALLBACKS.c.revision)
    if after is not None:
        wanted.append(tuple_(*place) > tuple_(*after))
    rows = connection.execute(
        select(CALLBACKS.c.callback_id, *place).where(*wanted).order_by(*place).limit(limit)
    ).all()
    resent = sum(_try_again(connection, row.callback_id, now) for row in rows)
    last = rows[-1] if len(rows) == limit else None
    return ResendResult(resent, (last.created_at, last.package_id, last.revision) if last else None)


def _try_again(connection: Connection, callback_id: str, now: datetime) -> bool:
    """False if another mail to the same person must be sent first."""
    try:
        _due_again(connection, find_callback(connection, callback_id), now)
    except CallbackAdminError:
        return False
    return True


def enable_address(connection: Connection, url: str) -> int:
    """Enable a closed address for all agents. Returns the number of dead callbacks that can be resent."""
    tenant_id = read_tenant_id(connection)
    gone = connection.execute(
        delete(QUIET).where(QUIET.c.tenant_id == tenant_id, QUIET.c.url == url, QUIET.c.until.is_(None))
    )
    if not gone.rowcount:
        raise CallbackAdminError(
            "this address is not closed; `countersign callbacks list` names the addresses that are"
        )
    dead = (CALLBACKS.c.tenant_id == tenant_id, _DEAD, CALLBACKS.c.url == url, CALLBACKS.c.body.is_not(None))
    count: int = connection.execute(select(func.count()).select_from(CALLBACKS).where(*dead)).scalar_one()
    return count
