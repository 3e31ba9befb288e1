"""Which mails a person wants: all, or only those about takeovers. A change is an event of the tenant's chain."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, bindparam, select, text

from rules.state.events import TenantEventType
from store.installation.tenancy import append_tenant_event, lock_tenant
from store.schema.mail_tables import MailPreference
from store.schema.tables import core

PREFERENCES = core(MailPreference)

_ONLY = select(PREFERENCES.c.takeovers_only).where(
    PREFERENCES.c.tenant_id == bindparam("tenant"), PREFERENCES.c.user_id == bindparam("user")
)
_QUIET = select(PREFERENCES.c.user_id).where(
    PREFERENCES.c.tenant_id == bindparam("tenant"), PREFERENCES.c.takeovers_only
)
_SET = text(
    "INSERT INTO mail_preferences (tenant_id, user_id, takeovers_only, changed_at)"
    " VALUES (:tenant, :user, :only, :now) ON CONFLICT (tenant_id, user_id) DO UPDATE"
    " SET takeovers_only = excluded.takeovers_only, changed_at = excluded.changed_at"
).bindparams(bindparam("now", type_=PREFERENCES.c.changed_at.type))


def wants_takeovers_only(connection: Connection, tenant_id: str, user_id: str) -> bool:
    """Whether the person has turned off all mails but those about takeovers."""
    return bool(connection.execute(_ONLY, {"tenant": tenant_id, "user": user_id}).scalar())


def quiet_people(connection: Connection, tenant_id: str) -> frozenset[str]:
    """Everyone who has turned off all mails but those about takeovers."""
    return frozenset(connection.execute(_QUIET, {"tenant": tenant_id}).scalars())


def set_takeovers_only(connection: Connection, user_id: str, now: datetime, *, only: bool) -> None:
    """Change which mails the person wants. Saying the same again is no change."""
    tenant_id = lock_tenant(connection)
    if only is wants_takeovers_only(connection, tenant_id, user_id):
        return
    connection.execute(_SET, {"tenant": tenant_id, "user": user_id, "only": only, "now": now})
    wanted = "takeovers" if only else "all"
    append_tenant_event(connection, TenantEventType.PERSON_MAILS_CHANGED, user_id, now, mails=wanted)
