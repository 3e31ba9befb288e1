"""The versions of a package, with the digest of the action that each proposes."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update

from rules.state.model import PackageState
from store.engine.batch import Batch
from store.engine.statements import fetch_first
from store.schema.tables import VersionRow, core

VERSIONS = core(VersionRow)

_ADD = insert(VERSIONS)
_RAISE = (
    update(VERSIONS)
    .where(
        VERSIONS.c.tenant_id == bindparam("tenant"),
        VERSIONS.c.package_id == bindparam("package"),
        VERSIONS.c.version == bindparam("of_version"),
    )
    .values(level=bindparam("level"))
)


def write_versions(batch: Batch, before: PackageState | None, after: PackageState) -> None:
    """Add a new version, or update the level of the current one, which an objection for example can raise."""
    if before is None or before.version != after.version:
        batch.execute(_ADD, _row(after))
    elif before.level is not after.level:
        key = {"tenant": after.tenant_id, "package": after.decision_package_id, "of_version": after.version}
        batch.execute(_RAISE, key | {"level": after.level.value})


def _row(after: PackageState) -> dict[str, Any]:
    return {
        "tenant_id": after.tenant_id,
        "package_id": after.decision_package_id,
        "version": after.version,
        "agent_id": after.agent_id,
        "action_digest": after.action_digest,
        "level": after.level.value,
        "event_id": after.version_event_id,
        "created_at": after.updated_at,
    }


_EVENT_ID = select(VERSIONS.c.event_id).where(
    VERSIONS.c.tenant_id == bindparam("tenant"),
    VERSIONS.c.package_id == bindparam("package"),
    VERSIONS.c.version == bindparam("version"),
)


def load_version_event_id(connection: Connection, state: PackageState, version: int) -> str | None:
    """The event that created this version; None for versions below 1."""
    if version < 1:
        return None
    key = {"tenant": state.tenant_id, "package": state.decision_package_id, "version": version}
    row = fetch_first(connection, _EVENT_ID, key)
    return row.event_id if row else None
