"""Claims due callbacks for sending, and records the results.

If a process dies after claiming a callback, the claim expires and the callback is sent again with the same id. Once a
callback is delivered, dead or dropped, the next one of its package and agent becomes due in the same transaction.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, bindparam, func, or_, select, text, tuple_, update

from rules.people.directory import AgentStanding
from rules.trace_context import TraceContext
from store.agents.agent_admin import SECRETS
from store.agents.agents import AGENTS
from store.outbox.callbacks import CALLBACKS, IN_ORDER, IS_DUE, TAKEOVER_MAIL, CallbackState, PostKind, Urgency
from store.packages.packages import PACKAGES
from store.schema.outbox_tables import OPEN_MAIL, QuietAddress
from store.schema.tables import core

QUIET = core(QuietAddress)

_MOMENT = CALLBACKS.c.due_at.type
_NOW = bindparam("now", type_=_MOMENT)
_CLAIMABLE = (CALLBACKS.c.tenant_id == bindparam("tenant"), IS_DUE, CALLBACKS.c.due_at <= _NOW)
_OF_ITS_ADDRESS = (
    QUIET.c.tenant_id == CALLBACKS.c.tenant_id,
    QUIET.c.agent_id == CALLBACKS.c.agent_id,
    QUIET.c.url == CALLBACKS.c.url,
)
_DUE = (
    select(CALLBACKS.c.callback_id, CALLBACKS.c.agent_id, CALLBACKS.c.url)
    .where(
        *_CLAIMABLE,
        CALLBACKS.c.agent_id.not_in(bindparam("agents", expanding=True)),
        tuple_(CALLBACKS.c.agent_id, CALLBACKS.c.url).not_in(bindparam("addresses", expanding=True)),
        ~select(QUIET.c.url).where(*_OF_ITS_ADDRESS, QUIET.c.until > _NOW).exists(),
    )
    .order_by(CALLBACKS.c.due_at, CALLBACKS.c.callback_id)
    .limit(bindparam("limit"))
)
# Each kind by its own index, so that mails are found however many callbacks are due.
_DUE_OF: Mapping[Urgency, Select[Any]] = {
    Urgency.TAKEOVER: _DUE.where(text(OPEN_MAIL), CALLBACKS.c.event_type == TAKEOVER_MAIL),
    Urgency.MAIL: _DUE.where(text(OPEN_MAIL), CALLBACKS.c.event_type != TAKEOVER_MAIL),
    Urgency.CALLBACK: _DUE.where(CALLBACKS.c.kind == PostKind.CALLBACK.value),
}
_FREE = (
    select(CALLBACKS.c.callback_id)
    .where(*_CLAIMABLE, CALLBACKS.c.callback_id.in_(bindparam("wanted", expanding=True)))
    .with_for_update(skip_locked=True)
)
_CLAIM = (
    update(CALLBACKS)
    .where(CALLBACKS.c.tenant_id == bindparam("tenant"), CALLBACKS.c.callback_id.in_(_FREE.scalar_subquery()))
    .values(due_at=bindparam("lease", type_=_MOMENT))
    .returning(
        *(CALLBACKS.c[name] for name in ("tenant_id", "callback_id", "package_id", "agent_id", "event_type", "url")),
        *(CALLBACKS.c[name] for name in ("body", "attempts", "kind", "unanswered", "text_put_off", "words_refused")),
        CALLBACKS.c.due_at.label("lease"),
    )
)
_SECRETS = (
    select(SECRETS.c.agent_id, SECRETS.c.secret)
    .where(
        SECRETS.c.tenant_id == bindparam("tenant"),
        SECRETS.c.agent_id.in_(bindparam("agents", expanding=True)),
        or_(SECRETS.c.expires_at.is_(None), SECRETS.c.expires_at > _NOW),
    )
    .order_by(SECRETS.c.created_at.desc(), SECRETS.c.secret_id.desc())
)
_REVOKED = select(AGENTS.c.agent_id).where(
    AGENTS.c.tenant_id == bindparam("tenant"),
    AGENTS.c.agent_id.in_(bindparam("agents", expanding=True)),
    AGENTS.c.standing == AgentStanding.REVOKED.value,
)
_CLOSED = select(QUIET.c.agent_id, QUIET.c.url).where(
    QUIET.c.tenant_id == bindparam("tenant"),
    QUIET.c.agent_id.in_(bindparam("agents", expanding=True)),
    QUIET.c.until.is_(None),
)
_TRACES = select(PACKAGES.c.package_id, PACKAGES.c.traceparent, PACKAGES.c.tracestate).where(
    PACKAGES.c.tenant_id == bindparam("tenant"),
    PACKAGES.c.package_id.in_(bindparam("packages", expanding=True)),
    PACKAGES.c.traceparent.is_not(None),
)
_THIS = (CALLBACKS.c.tenant_id == bindparam("tenant"), CALLBACKS.c.callback_id == bindparam("callback"))
# A process whose claim has expired must not record a failure; but a delivery is always recorded.
STILL_CLAIMED = (*_THIS, IS_DUE, CALLBACKS.c.due_at == bindparam("lease", type_=_MOMENT))
_TRIED = {"attempts": CALLBACKS.c.attempts + 1, "tried_at": bindparam("at", type_=_MOMENT)}
_DELIVERED = (
    update(CALLBACKS)
    .where(*_THIS, CALLBACKS.c.state != CallbackState.DELIVERED.value)
    .values(**_TRIED, state=CallbackState.DELIVERED.value, last_error=None)
)
_AGAIN = (
    update(CALLBACKS).where(*STILL_CLAIMED).values(**_TRIED, due_at=bindparam("later"), last_error=bindparam("why"))
)
_DEAD = (
    update(CALLBACKS)
    .where(*STILL_CLAIMED)
    .values(**_TRIED, state=CallbackState.DEAD.value, last_error=bindparam("why"))
)
_DROPPED = (
    update(CALLBACKS).where(*STILL_CLAIMED).values(state=CallbackState.DROPPED.value, last_error=bindparam("why"))
)
_POSTPONED = update(CALLBACKS).where(*STILL_CLAIMED).values(due_at=bindparam("later"), last_error=bindparam("why"))
_OTHERS = CALLBACKS.alias()
_FIRST_WAITING = (
    select(func.min(CALLBACKS.c.revision))
    .where(*IN_ORDER, CALLBACKS.c.state == CallbackState.WAITING.value)
    .scalar_subquery()
)
_ANOTHER_DUE = (
    select(_OTHERS.c.callback_id)
    .where(
        _OTHERS.c.tenant_id == bindparam("tenant"),
        _OTHERS.c.package_id == bindparam("package"),
        _OTHERS.c.agent_id == bindparam("agent"),
        _OTHERS.c.state == CallbackState.DUE.value,
    )
    .exists()
)
_NEXT = (
    update(CALLBACKS)
    .where(
        *IN_ORDER,
        CALLBACKS.c.state == CallbackState.WAITING.value,
        CALLBACKS.c.revision == _FIRST_WAITING,
        ~_ANOTHER_DUE,
    )
    .values(state=CallbackState.DUE.value, due_at=bindparam("at", type_=_MOMENT))
)
_QUIET = text(
    "INSERT INTO quiet_addresses (tenant_id, agent_id, url, until, since) VALUES (:tenant, :agent, :url, :until, :now)"
    " ON CONFLICT (tenant_id, agent_id, url) DO UPDATE SET until = excluded.until, since = excluded.since"
    " WHERE quiet_addresses.until IS NOT NULL"
).bindparams(bindparam("until", type_=_MOMENT), bindparam("now", type_=_MOMENT))


class DueCallback(NamedTuple):
    """What the sender needs to choose which callbacks to claim."""

    callback_id: str
    agent_id: str
    url: str
    urgency: Urgency = Urgency.CALLBACK


class ClaimedCallback(NamedTuple):
    """A callback claimed until `lease`, with the agent's secrets, newest first, and reasons not to send it.

    For a mail, `agent_id` is the id of the person, and `event_type` the lane in which their mails wait.
    `unanswered`: attempts that may have arrived although no answer came. They are counted for mails only.
    `text_put_off`: a mail server has refused the text of a mail for now. `words_refused`: a mail is then written
    without the words of agents and people.
    """

    tenant_id: str
    callback_id: str
    package_id: str
    agent_id: str
    event_type: str
    url: str
    body: str | None
    attempts: int
    lease: datetime
    kind: PostKind
    unanswered: int
    text_put_off: bool
    words_refused: bool
    secrets: tuple[str, ...] = ()
    trace: TraceContext | None = None
    revoked: bool = False
    closed: bool = False

    @property
    def as_due(self) -> DueCallback:
        return DueCallback(self.callback_id, self.agent_id, self.url, _urgency(self.kind, self.event_type))


def list_due_callbacks(
    connection: Connection,
    tenant_id: str,
    now: datetime,
    *,
    limit: int,
    urgency: Urgency,
    full_agents: Collection[str] = (),
    full_addresses: Collection[tuple[str, str]] = (),
) -> list[DueCallback]:
    """What can be sent now, the longest due first, without agents and addresses at their limit."""
    key = {"tenant": tenant_id, "now": now, "limit": limit}
    excluded = {"agents": list(full_agents), "addresses": list(full_addresses)}
    rows = connection.execute(_DUE_OF[urgency], key | excluded)
    return [DueCallback(row.callback_id, row.agent_id, row.url, urgency) for row in rows]


def _urgency(kind: PostKind, event_type: str) -> Urgency:
    if kind is PostKind.CALLBACK:
        return Urgency.CALLBACK
    return Urgency.TAKEOVER if event_type == TAKEOVER_MAIL else Urgency.MAIL


def claim_callbacks(
    connection: Connection, tenant_id: str, wanted: Iterable[DueCallback], now: datetime, until: datetime
) -> list[ClaimedCallback]:
    """Claim these callbacks until `until`, except those that another process has claimed."""
    key = {"tenant": tenant_id, "now": now, "lease": until, "wanted": [callback.callback_id for callback in wanted]}
    rows = connection.execute(_CLAIM, key).all()
    agents_key = {"tenant": tenant_id, "now": now, "agents": sorted({row.agent_id for row in rows})}
    secrets: dict[str, list[str]] = {}
    for agent_id, secret in connection.execute(_SECRETS, agents_key):
        secrets.setdefault(agent_id, []).append(secret)
    revoked = set(connection.execute(_REVOKED, agents_key).scalars())
    closed = {tuple(row) for row in connection.execute(_CLOSED, agents_key)}
    packages_key = {"tenant": tenant_id, "packages": sorted({row.package_id for row in rows})}
    traces = {row.package_id: TraceContext(*row[1:]) for row in connection.execute(_TRACES, packages_key)}
    return [
        ClaimedCallback(
            **row._asdict() | {"kind": PostKind(row.kind)},
            secrets=tuple(secrets.get(row.agent_id, ())),
            trace=traces.get(row.package_id),
            revoked=row.agent_id in revoked,
            closed=(row.agent_id, row.url) in closed,
        )
        for row in rows
    ]


def record_delivery(connection: Connection, callback: ClaimedCallback, now: datetime) -> bool:
    """False if its delivery is recorded already."""
    is_news = connection.execute(_DELIVERED, _key(callback, now)).rowcount > 0
    if is_news:
        _release_next(connection, callback, now)
    return is_news


def schedule_retry(connection: Connection, callback: ClaimedCallback, now: datetime, later: datetime, why: str) -> None:
    connection.execute(_AGAIN, _key(callback, now) | {"later": later, "why": why, "lease": callback.lease})


def mark_dead(connection: Connection, callback: ClaimedCallback, now: datetime, why: str) -> None:
    if connection.execute(_DEAD, _key(callback, now) | {"why": why, "lease": callback.lease}).rowcount:
        _release_next(connection, callback, now)


def drop_callback(connection: Connection, callback: ClaimedCallback, now: datetime, why: str) -> None:
    """Mark a callback or mail as no longer needed, which is not a failure."""
    if connection.execute(_DROPPED, _key(callback, now) | {"why": why, "lease": callback.lease}).rowcount:
        _release_next(connection, callback, now)


def postpone_callback(connection: Connection, callback: ClaimedCallback, later: datetime, why: str) -> None:
    """Send it at `later`. This counts as no attempt, because nothing was tried."""
    key = {"tenant": callback.tenant_id, "callback": callback.callback_id, "lease": callback.lease}
    connection.execute(_POSTPONED, key | {"later": later, "why": why})


def _key(callback: ClaimedCallback, now: datetime) -> dict[str, Any]:
    return {"tenant": callback.tenant_id, "callback": callback.callback_id, "at": now}


def _release_next(connection: Connection, callback: ClaimedCallback, now: datetime) -> None:
    """Make the next waiting callback of the package and agent due, unless another one is due. Mails have no order."""
    if callback.kind is PostKind.MAIL:
        return
    key = {"tenant": callback.tenant_id, "package": callback.package_id, "agent": callback.agent_id}
    connection.execute(_NEXT, key | {"at": now})


def pause_address(connection: Connection, callback: ClaimedCallback, now: datetime, until: datetime | None) -> None:
    """Send nothing to this address before `until`; with None, until an operator enables it."""
    key = {"tenant": callback.tenant_id, "agent": callback.agent_id, "url": callback.url}
    connection.execute(_QUIET, key | {"until": until, "now": now})
