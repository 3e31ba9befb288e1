"""Finds what one mail to a person can tell by columns alone: however many needs there are, few states are read.

What rules out many needs at once (Slack is back, the packages are decided) ends them in one statement. The rest is
ordered by urgency, takeovers also by turns of the agents, and only the first ones are loaded.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, bindparam, case, false, func, literal, null, or_, select, update

from rules.authority.mailing import NO_LONGER_SO, SLACK_IS_BACK, TOO_LATE, TURNED_OFF, WHILE_PENDING
from rules.mail.reasons import MailReason
from rules.scales import RiskLevel
from rules.state.model import Status
from store.mail.lanes import LANE
from store.mail.needs import MOMENT, NEEDS, NeedState
from store.outbox.deliveries import ClaimedCallback
from store.outbox.turns import turn_number
from store.packages.packages import PACKAGES
from store.packages.tasks import TASKS

MAX_NEEDS = 400  # looked at for one mail; what is left is for the next one

OF_PERSON = (NEEDS.c.tenant_id == bindparam("tenant"), NEEDS.c.user_id == bindparam("user"))
OF_MAIL = NEEDS.c.mail_id == bindparam("mail")
IN_MAIL = and_(NEEDS.c.state == NeedState.WRITTEN.value, OF_MAIL)
OF_LANE = (*OF_PERSON, NEEDS.c.state == NeedState.DUE.value, bindparam("lane") == LANE)
NEED_COLUMNS = (NEEDS.c.package_id, NEEDS.c.reason, NEEDS.c.occasion, NEEDS.c.created_at)
_TO_TELL = (*OF_PERSON, or_(and_(NEEDS.c.state == NeedState.DUE.value, bindparam("lane") == LANE), IN_MAIL))
_OF_NEED = and_(PACKAGES.c.tenant_id == NEEDS.c.tenant_id, PACKAGES.c.package_id == NEEDS.c.package_id)
_TASK_OF_NEED = and_(TASKS.c.tenant_id == NEEDS.c.tenant_id, TASKS.c.package_id == NEEDS.c.package_id, TASKS.c.open)
_IS_DECIDED = and_(
    NEEDS.c.reason.in_([reason.value for reason in WHILE_PENDING]),
    ~select(PACKAGES.c.package_id)
    .where(_OF_NEED, PACKAGES.c.status == Status.PENDING.value)
    .correlate(NEEDS)  # also where packages are joined
    .exists(),
)
_URGENCY = (
    case(*((PACKAGES.c.risk == risk.value, -rank) for rank, risk in enumerate(RiskLevel)), else_=1),
    TASKS.c.due_at.nulls_last(),
    NEEDS.c.created_at,
    NEEDS.c.package_id,
)
# Takeovers are named by turns of the agents: the risk that an agent states orders only its own.
_ORDER = (
    case((NEEDS.c.reason == MailReason.UNINSTALLED.value, 0), else_=1),
    case((NEEDS.c.reason == MailReason.TAKEOVER.value, turn_number(*_URGENCY)), else_=0),
    *_URGENCY,
)
# Needs that the mail only counts. A takeover is never put off: the next mail tells it at once.
_PUT_OFF = (
    update(NEEDS)
    .where(
        *OF_LANE,
        NEEDS.c.reason != MailReason.TAKEOVER.value,
        NEEDS.c.created_at <= bindparam("newest", type_=MOMENT),
    )
    .values(due_at=bindparam("at", type_=MOMENT))
)


class OpenNeed(NamedTuple):
    """What a person is still to be told. `noted_at`: since when."""

    package_id: str
    reason: MailReason
    occasion: int
    noted_at: datetime


class KnownObstacles(NamedTuple):
    """What rules out many needs of a person at once. `to_everything`: why they must be told of nothing.

    A need that was noted before `oldest` is too late, unless it is in the text of a mail.
    """

    to_everything: str | None = None
    oldest: datetime | None = None
    takeovers_only: bool = False
    slack_is_back: bool = False


class Agenda(NamedTuple):
    """The most urgent needs. `packages` and `newest` are about all: how many packages, and when the last was noted.

    `ruled_out`: why other needs end.
    """

    needs: tuple[OpenNeed, ...]
    packages: int
    newest: datetime | None
    ruled_out: tuple[str, ...]


def load_agenda(connection: Connection, mail: ClaimedCallback, known: KnownObstacles) -> Agenda:
    """What this mail can tell. The needs are still to be checked against their packages."""
    why = _ruled_out(known)
    left = (*_TO_TELL, why.is_(None))
    urgent = (
        select(*NEED_COLUMNS)
        .select_from(NEEDS.join(PACKAGES, _OF_NEED, isouter=True).join(TASKS, _TASK_OF_NEED, isouter=True))
        .where(*left)
        .order_by(*_ORDER)
        .limit(MAX_NEEDS)
    )
    packages = func.count(NEEDS.c.package_id.distinct()).label("packages")
    newest = func.max(NEEDS.c.created_at).label("newest")
    total = connection.execute(select(packages, newest).where(*left), agenda_key(mail)).one()
    needs = tuple(read_need(row) for row in connection.execute(urgent, agenda_key(mail)))
    ends = select(why).where(*_TO_TELL, why.is_not(None)).distinct()
    ruled_out = tuple(filter(None, connection.execute(ends, agenda_key(mail)).scalars()))
    return Agenda(needs, total.packages, total.newest, ruled_out)


def drop_ruled_out(connection: Connection, mail: ClaimedCallback, known: KnownObstacles) -> None:
    """Drop the needs that are ruled out without a look at their packages."""
    why = _ruled_out(known)
    dropped = update(NEEDS).where(*OF_LANE, why.is_not(None)).values(state=NeedState.DROPPED.value, dropped=why)
    connection.execute(dropped, agenda_key(mail))


def put_off(connection: Connection, mail: ClaimedCallback, newest: datetime, until: datetime) -> None:
    """What was noted until `newest` and is not told waits for a later mail."""
    connection.execute(_PUT_OFF, agenda_key(mail) | {"newest": newest, "at": until})


def agenda_key(mail: ClaimedCallback) -> dict[str, Any]:
    return {"tenant": mail.tenant_id, "user": mail.agent_id, "mail": mail.callback_id, "lane": mail.event_type}


def read_need(row: Any) -> OpenNeed:
    return OpenNeed(row.package_id, MailReason(row.reason), row.occasion, row.created_at)


def _ruled_out(known: KnownObstacles) -> ColumnElement[str | None]:
    """Why a need ends, or NULL."""
    if known.to_everything:
        return literal(known.to_everything)
    obstacles = [
        (known.takeovers_only, NEEDS.c.reason != MailReason.TAKEOVER.value, TURNED_OFF),
        (known.slack_is_back, NEEDS.c.reason == MailReason.WAITING.value, SLACK_IS_BACK),
        (True, _IS_DECIDED, NO_LONGER_SO),
        (True, _is_late(known.oldest), TOO_LATE),
    ]
    return case(*((where, literal(why)) for holds, where, why in obstacles if holds), else_=null())


def _is_late(oldest: datetime | None) -> ColumnElement[bool]:
    is_due = NEEDS.c.state == NeedState.DUE.value
    return and_(is_due, NEEDS.c.created_at < oldest) if oldest else false()
