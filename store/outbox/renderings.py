"""Renderings: what cards and forms showed, word for word. Each is stored before anyone sees it."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, text

from rules.state.model import PackageState
from store.engine.batch import write_row
from store.engine.statements import fetch_first
from store.packages.packages import LOAD_PACKAGE, PACKAGES, parse_loaded
from store.schema.outbox_tables import Rendering
from store.schema.tables import core

RENDERINGS = core(Rendering)

_KEEP = text(
    "INSERT INTO renderings (tenant_id, rendering_id, package_id, body, created_at)"
    " VALUES (:tenant, :rendering, :package, :body, :now) ON CONFLICT (tenant_id, rendering_id) DO NOTHING"
).bindparams(bindparam("now", type_=RENDERINGS.c.created_at.type))
_LOAD_WITH_RENDERING = LOAD_PACKAGE.add_columns(RENDERINGS.c.body).select_from(
    PACKAGES.outerjoin(
        RENDERINGS,
        (RENDERINGS.c.tenant_id == PACKAGES.c.tenant_id)
        & (RENDERINGS.c.package_id == PACKAGES.c.package_id)
        & (RENDERINGS.c.rendering_id == bindparam("rendering")),
    )
)


class NewRendering(NamedTuple):
    """A complete rendering that is about to be shown. Its id is derived from its content."""

    tenant: str
    package: str
    rendering: str
    body: str
    now: datetime


def save_rendering(connection: Connection, rendering: NewRendering) -> None:
    write_row(connection, _KEEP, rendering._asdict())


def load_with_proof(
    connection: Connection, tenant_id: str, package_id: str, version: int, rendering_id: str | None
) -> tuple[PackageState | None, bool]:
    """The package, and whether this rendering of this version was stored: only then can anyone have seen it."""
    key = {"tenant": tenant_id, "package": package_id, "rendering": rendering_id}
    row = fetch_first(connection, _LOAD_WITH_RENDERING, key)
    if row is None:
        return None, False
    # The buttons in the body carry the package's id and version (`blocks.kit.ids.Ref`).
    return parse_loaded(row).state, row.body is not None and f"{package_id} {version} " in row.body
