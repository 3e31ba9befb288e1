"""Remembers for which people (by a fingerprint) all open tasks were last checked, so a restart need not check again."""

from __future__ import annotations

from sqlalchemy import Connection, select, update

from store.installation.installation import INSTALLATION


def last_absence_check(connection: Connection) -> str | None:
    fingerprint: str | None = connection.execute(select(INSTALLATION.c.relieved)).scalar_one()
    return fingerprint


def record_absence_check(connection: Connection, fingerprint: str) -> None:
    connection.execute(update(INSTALLATION).values(relieved=fingerprint))
