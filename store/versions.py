"""The versions of a package, by the digest of the action that each proposes."""

from __future__ import annotations

from sqlalchemy import Connection, insert

from rules.state import PackageState
from store.tables import VersionRow, core

_ADD = insert(core(VersionRow))


def follow(connection: Connection, before: PackageState | None, after: PackageState) -> None:
    if before is not None and before.version == after.version:
        return
    row = {
        "tenant_id": after.tenant_id,
        "package_id": after.decision_package_id,
        "version": after.version,
        "agent_id": after.agent_id,
        "action_digest": after.action_digest,
        "level": after.level.value,
        "event_id": after.version_event_id,
        "created_at": after.updated_at,
    }
    connection.execute(_ADD, row)
