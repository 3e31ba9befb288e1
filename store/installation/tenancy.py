"""The installation's own chain of events (agents, keys, policies, the freeze, absences), and values of its row.

The head of the chain is in the installation's row, which every append locks. So replicas append one after the other.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, text, update

from rules.record.chain import seal_event, tenant_event
from rules.state.events import TenantEventType
from store.engine.engines import lock_table
from store.installation.installation import fresh_id
from store.schema.installation_tables import InstallationRow, TenantEventRow
from store.schema.tables import core

INSTALLATION, EVENTS = core(InstallationRow), core(TenantEventRow)

_APPEND = insert(EVENTS)


def read_tenant_id(connection: Connection) -> str:
    """The tenant id of this database, which `migrate` created."""
    return str(connection.execute(select(INSTALLATION.c.tenant_id)).scalar_one())


def read_workspace_url(connection: Connection) -> str | None:
    """The address of the workspace, as Slack last named it."""
    url: str | None = connection.execute(select(INSTALLATION.c.workspace_url)).scalar_one()
    return url


def save_workspace_url(connection: Connection, url: str) -> None:
    connection.execute(update(INSTALLATION).values(workspace_url=url))


def lock_tenant(connection: Connection) -> str:
    """Lock the installation's row until the commit, so that replicas change its data one after the other."""
    return str(connection.execute(select(INSTALLATION.c.tenant_id).with_for_update()).scalar_one())


def append_tenant_event(
    connection: Connection, event_type: TenantEventType, actor: str, now: datetime, **facts: Any
) -> None:
    """Append an event to the tenant's chain. Its head is in a locked row, so the chain cannot fork."""
    head_row = connection.execute(select(INSTALLATION).with_for_update()).one()
    event = seal_event(
        tenant_event(
            event_id=f"evt_{fresh_id()}",
            event_type=event_type,
            tenant_id=head_row.tenant_id,
            actor=actor,
            now=now,
            sequence=head_row.length + 1,
            **facts,
        ),
        head_row.head,
    )
    row = {
        "tenant_id": head_row.tenant_id,
        "sequence": head_row.length + 1,
        "event_type": event_type.value,
        "actor": actor,
        "occurred_at": now,
        "body": json.dumps(event),
    }
    connection.execute(_APPEND, row)
    connection.execute(update(INSTALLATION).values(length=head_row.length + 1, head=event["digest"]))


def count_events(connection: Connection) -> int:
    """The number of all events, of packages (table `events`) and of the installation. Only for SQLite.

    Events are never deleted, so the highest row id of `events` is their number.
    """
    newest = connection.execute(text("SELECT coalesce(max(rowid), 0) FROM events")).scalar_one()
    return int(newest) + int(connection.execute(select(INSTALLATION.c.length)).scalar_one())


def record_restore(connection: Connection, *, actor: str, now: datetime, **facts: int) -> None:
    """The database was restored from a backup: freeze everything until someone thaws it."""
    lock_table(connection, INSTALLATION)
    connection.execute(update(INSTALLATION).values(frozen=True))
    append_tenant_event(connection, TenantEventType.TENANT_RESTORED, actor, now, **facts)


def set_frozen(connection: Connection, *, frozen: bool, actor: str, now: datetime) -> None:
    """Freeze or thaw all agents. While frozen, nothing is accepted, approved by silence, or claimed."""
    lock_table(connection, INSTALLATION)
    changed = connection.execute(update(INSTALLATION).where(INSTALLATION.c.frozen != frozen).values(frozen=frozen))
    if changed.rowcount:
        append_tenant_event(
            connection, TenantEventType.TENANT_FROZEN if frozen else TenantEventType.TENANT_THAWED, actor, now
        )
