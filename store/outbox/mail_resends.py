"""Resends mails that were given up.

If no attempt can have arrived, the needs of the mail are due again, and the next mail to the person tells them after
another check. A mail that may have arrived is sent again as the same message, once no other mail in its lane is open.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, bindparam, select, text, update

from rules.authority.mailing import is_still_so
from rules.mail.reasons import MailReason
from store.outbox.callbacks import CALLBACKS, CallbackState
from store.packages.packages import load_packages
from store.schema.mail_tables import MailNeed
from store.schema.outbox_tables import OPEN_MAIL
from store.schema.tables import core

_NEEDS = core(MailNeed)
RESENT = "resent: the next mail to this person tells what this one was to tell"

_NOW = bindparam("now", type_=_NEEDS.c.due_at.type)
_OF_MAIL = (_NEEDS.c.tenant_id == bindparam("tenant"), _NEEDS.c.mail_id == bindparam("mail"))
_TELLS = select(_NEEDS.c.package_id, _NEEDS.c.reason).where(*_OF_MAIL, _NEEDS.c.reason != MailReason.UNINSTALLED.value)
_DUE_AGAIN = (
    update(_NEEDS)
    .where(*_OF_MAIL, _NEEDS.c.state == "written")
    .values(state="due", due_at=_NOW, created_at=_NOW, mail_id=None, digest=None)
)
_THIS = (
    CALLBACKS.c.tenant_id == bindparam("tenant"),
    CALLBACKS.c.callback_id == bindparam("mail"),
    CALLBACKS.c.state == CallbackState.DEAD.value,
)
# Without its text: from then on no need leads to it, so retention would not find it.
_REPLACED = update(CALLBACKS).where(*_THIS).values(state=CallbackState.DROPPED.value, last_error=RESENT, body=None)
_REOPENED = (
    update(CALLBACKS)
    .where(*_THIS)
    .values(
        state=CallbackState.DUE.value,
        attempts=0,
        unanswered=1,
        due_at=bindparam("now", type_=CALLBACKS.c.due_at.type),
    )
)
_NOT_RECORDED = update(_NEEDS).where(*_OF_MAIL, _NEEDS.c.state == "sent").values(state="written")
_OPEN = select(CALLBACKS.c.callback_id).where(
    CALLBACKS.c.tenant_id == bindparam("tenant"),
    CALLBACKS.c.agent_id == bindparam("user"),
    CALLBACKS.c.event_type == bindparam("lane"),
    text(OPEN_MAIL),
)


def is_over(connection: Connection, tenant_id: str, mail_id: str) -> bool:
    """Whether nothing that this mail tells of packages is still so."""
    rows = connection.execute(_TELLS, {"tenant": tenant_id, "mail": mail_id}).all()
    loaded = load_packages(connection, tenant_id, sorted({row.package_id for row in rows}))
    states = {package_id: package.state for package_id, package in loaded.items()}
    return bool(rows) and not any(
        row.package_id in states and is_still_so(states[row.package_id], MailReason(row.reason)) for row in rows
    )


def tell_again(connection: Connection, tenant_id: str, mail_id: str, now: datetime) -> None:
    """Make the needs of a dead mail due again, because none of its attempts can have arrived."""
    key = {"tenant": tenant_id, "mail": mail_id}
    if connection.execute(_REPLACED, key).rowcount:
        connection.execute(_DUE_AGAIN, key | {"now": now})


def reopen_mail(
    connection: Connection, tenant_id: str, mail_id: str, *, user_id: str, lane: str, now: datetime
) -> bool:
    """Try a dead mail that may have arrived once more. False if another mail to the person is open in its lane."""
    if connection.execute(_OPEN, {"tenant": tenant_id, "user": user_id, "lane": lane}).first():
        return False
    key = {"tenant": tenant_id, "mail": mail_id}
    if connection.execute(_REOPENED, key | {"now": now}).rowcount:
        connection.execute(_NOT_RECORDED, key)  # whether it arrived is known after the next attempt
    return True
