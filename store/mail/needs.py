"""Writes who must be told what by mail, in the transaction of the change itself. Each person is told once.

A need says: tell this person about this package, for this reason, on this occasion. The primary key makes a second
telling impossible, unless the first was dropped. `scheduler.mail` groups due needs into mails and sends them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection, Executable, bindparam, or_, select, text, update

from rules.authority.mailing import (
    NO_LONGER_SO,
    NOT_THEIRS,
    OUTCOMES,
    SLACK_IS_BACK,
    TAKEN,
    Telling,
    tellings_after,
)
from rules.mail.reasons import MailReason
from rules.state.model import PackageState
from rules.state.situation import Situation
from rules.string_enum import StringEnum
from store.engine.batch import Batch, batched_writes
from store.mail.preferences import quiet_people
from store.mail.sending import are_mails_sent
from store.schema.mail_tables import MailNeed
from store.schema.tables import core

NEEDS = core(MailNeed)

NO_PACKAGE = ""  # in place of a package, for troubles of the service
AT_ONCE = timedelta(seconds=2)  # until a takeover is told: its card is posted meanwhile, so the mail can link to it
FOLD = timedelta(seconds=5)  # how long a need waits for others that the same mail can tell


class NeedState(StringEnum):
    """A need is due, then in a mail, then sent, and at the end recorded in the package's chain."""

    DUE = "due"
    WRITTEN = "written"
    SENT = "sent"
    RECORDED = "recorded"
    DROPPED = "dropped"


MOMENT = NEEDS.c.created_at.type
_ADD: Executable = text(
    "INSERT INTO mail_needs (tenant_id, user_id, package_id, reason, occasion, state, due_at, created_at)"
    " VALUES (:tenant, :user, :package, :reason, :occasion, 'due', :due, :now)"
    " ON CONFLICT (tenant_id, user_id, package_id, reason, occasion) DO UPDATE"
    " SET state = 'due', due_at = excluded.due_at, created_at = excluded.created_at, mail_id = NULL, dropped = NULL"
    " WHERE mail_needs.state = 'dropped'"
).bindparams(bindparam("due", type_=MOMENT), bindparam("now", type_=MOMENT))


class Need(NamedTuple):
    """A telling of one package; without a package, of a trouble of the service."""

    package_id: str
    telling: Telling


def write_mail_needs(
    connection: Connection, batch: Batch, before: PackageState | None, after: PackageState, situation: Situation
) -> None:
    """Also a process without a mail server writes them, because another one sends the mails."""
    change = (before, after, situation.roster, situation.now)
    if tellings_after(*change) and are_mails_sent(connection, situation.now):
        tellings = tellings_after(*change, quiet_people(connection, after.tenant_id))
        needs = [Need(after.decision_package_id, telling) for telling in tellings]
        _add_needs(batch, after.tenant_id, needs, datetime.now(UTC))


def add_mail_needs(
    connection: Connection, tenant_id: str, needs: Iterable[Need], now: datetime, wait: timedelta = FOLD
) -> None:
    """Add the needs that are new. `wait`: how long no mail tells them, but for takeovers."""
    with batched_writes(connection) as batch:
        _add_needs(batch, tenant_id, needs, now, wait)


def _add_needs(batch: Batch, tenant_id: str, needs: Iterable[Need], now: datetime, wait: timedelta = FOLD) -> None:
    rows = [_row(tenant_id, need, now, wait) for need in needs]
    if rows:
        batch.execute(_ADD, rows)


def _row(tenant_id: str, need: Need, now: datetime, wait: timedelta) -> dict[str, Any]:
    if need.telling.reason is MailReason.TAKEOVER:
        wait = AT_ONCE
    return {
        "tenant": tenant_id,
        "user": need.telling.user_id,
        "package": need.package_id,
        "reason": need.telling.reason.value,
        "occasion": need.telling.occasion,
        "due": now + wait,
        "now": now,
    }


_CAN_BE_SO_AGAIN = (SLACK_IS_BACK, NO_LONGER_SO, NOT_THEIRS, TAKEN)
_TOLD = select(NEEDS.c.user_id, NEEDS.c.package_id, NEEDS.c.occasion).where(
    NEEDS.c.tenant_id == bindparam("tenant"),
    NEEDS.c.package_id.in_(bindparam("packages", expanding=True)),
    NEEDS.c.reason.not_in([reason.value for reason in OUTCOMES]),
    or_(NEEDS.c.state != NeedState.DROPPED.value, NEEDS.c.dropped.not_in(_CAN_BE_SO_AGAIN)),
)
_RELEASE = (
    update(NEEDS)
    .where(
        NEEDS.c.tenant_id == bindparam("tenant"),
        text("state = 'due'"),
        NEEDS.c.reason == MailReason.WAITING.value,
        NEEDS.c.due_at > bindparam("now", type_=MOMENT),
        NEEDS.c.created_at >= bindparam("since", type_=MOMENT),
    )
    .values(due_at=bindparam("now", type_=MOMENT))
)


def people_told_already(
    connection: Connection, tenant_id: str, package_ids: Collection[str]
) -> frozenset[tuple[str, str, int]]:
    """Who was told, or will be, of which waiting package by mail: the user, the package and the version.

    A need that was dropped for a reason that can pass does not count: it can be so again.
    """
    rows = connection.execute(_TOLD, {"tenant": tenant_id, "packages": list(package_ids)})
    return frozenset((row.user_id, row.package_id, row.occasion) for row in rows)


def release_waiting(connection: Connection, tenant_id: str, since: datetime, now: datetime) -> None:
    """Make the needs due now that were noted since `since`, because all packages that wait without Slack are noted.

    What a mail has put off stays put off.
    """
    connection.execute(_RELEASE, {"tenant": tenant_id, "since": since, "now": now})
