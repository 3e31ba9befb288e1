"""Mails that were sent and are not in the record yet. The clock's command records them in the chain of each package.

The state of a mail's needs tells whether it is recorded. It changes in the transaction of the event.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, bindparam, select, text, update

from rules.mail.mailed import Mailed
from rules.mail.reasons import MailReason
from rules.state.events import EventType, TenantEventType
from rules.state.transition import Transition
from store.engine.batch import Batch
from store.installation.tenancy import append_tenant_event
from store.mail.needs import NEEDS, NO_PACKAGE, NeedState
from store.outbox.callbacks import CALLBACKS, CallbackState

_OF_TENANT = (NEEDS.c.tenant_id == bindparam("tenant"), text("mail_needs.state = 'sent'"))
_UNRECORDED = (
    select(NEEDS.c.package_id).distinct().where(*_OF_TENANT).order_by(NEEDS.c.package_id).limit(bindparam("limit"))
)
_MAIL = and_(CALLBACKS.c.tenant_id == NEEDS.c.tenant_id, CALLBACKS.c.callback_id == NEEDS.c.mail_id)
_UNRECORDED_OF = (
    select(NEEDS.c.user_id, NEEDS.c.mail_id, NEEDS.c.reason, NEEDS.c.digest, CALLBACKS.c.state)
    .join(CALLBACKS, _MAIL, isouter=True)
    .where(*_OF_TENANT, NEEDS.c.package_id == bindparam("package"))
    .order_by(NEEDS.c.created_at, NEEDS.c.user_id, NEEDS.c.reason)
)
_RECORDED = (
    update(NEEDS)
    .where(
        NEEDS.c.tenant_id == bindparam("tenant"),
        NEEDS.c.package_id == bindparam("package"),
        NEEDS.c.user_id == bindparam("user"),
        NEEDS.c.mail_id == bindparam("mail"),
        NEEDS.c.state == bindparam("sent"),
    )
    .values(state=bindparam("recorded"))
)


def list_unrecorded(connection: Connection, tenant_id: str, limit: int, after: str | None = None) -> list[str]:
    """The next packages with unrecorded mails, by id. `NO_PACKAGE` stands for troubles of the service."""
    query = _UNRECORDED if after is None else _UNRECORDED.where(NEEDS.c.package_id > after)
    return list(connection.execute(query, {"tenant": tenant_id, "limit": limit}).scalars())


def unrecorded_mails(connection: Connection, tenant_id: str, package_id: str) -> tuple[Mailed, ...]:
    """Each mail about the package once, with its gravest reason."""
    mails: defaultdict[tuple[str, str], list[Mailed]] = defaultdict(list)
    for row in connection.execute(_UNRECORDED_OF, {"tenant": tenant_id, "package": package_id}):
        mail = Mailed(
            mail_id=row.mail_id,
            user_id=row.user_id,
            reason=MailReason(row.reason),
            digest=row.digest,
            confirmed=row.state != CallbackState.DEAD.value,
        )
        mails[mail.mail_id, mail.user_id].append(mail)
    return tuple(min(same, key=_gravity) for same in mails.values())


def mark_recorded(batch: Batch, transition: Transition) -> None:
    """Mark what these events record, in their transaction, so that nothing is recorded twice."""
    for occurrence in transition.occurrences:
        if occurrence.event_type is EventType.PACKAGE_MAILED:
            after = occurrence.after
            batch.execute(_RECORDED, [_key(after.tenant_id, after.decision_package_id, mail) for mail in after.mailed])


def record_trouble_mails(connection: Connection, tenant_id: str, now: datetime) -> None:
    """A mail about a trouble of the service belongs to no package: it is an event of the tenant's chain."""
    for mail in unrecorded_mails(connection, tenant_id, NO_PACKAGE):
        if connection.execute(_RECORDED, _key(tenant_id, NO_PACKAGE, mail)).rowcount:
            facts = mail.model_dump(mode="json", exclude={"revision"})
            append_tenant_event(connection, TenantEventType.PERSON_MAILED, "auto", now, **facts)


def _gravity(mail: Mailed) -> int:
    return list(MailReason).index(mail.reason)


def _key(tenant_id: str, package_id: str, mail: Mailed) -> Mapping[str, Any]:
    states = {"sent": NeedState.SENT.value, "recorded": NeedState.RECORDED.value}
    return {"tenant": tenant_id, "package": package_id, "user": mail.user_id, "mail": mail.mail_id} | states
