"""`countersign migrate`."""

from __future__ import annotations

import typer

from bot.cli.common.session import now
from bot.settings import read_settings
from store.migrations import migrate as migrations


def migrate() -> None:
    """Bring the database to the current schema.

    A missing database is created. Safe to run again, and from every replica at once.
    """
    head = migrations.migrate(read_settings().migration_database_url, now())
    typer.echo(f"the database is at schema {head}")
