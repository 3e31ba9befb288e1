"""Which people all open tasks were last looked through for: kept, so that a restart has nothing to look for again."""

from __future__ import annotations

from sqlalchemy import Connection, select, update

from store.installation.house import INSTALLATION


def looked_through_for(connection: Connection) -> str | None:
    mark: str | None = connection.execute(select(INSTALLATION.c.relieved)).scalar_one()
    return mark


def has_looked(connection: Connection, mark: str) -> None:
    connection.execute(update(INSTALLATION).values(relieved=mark))
