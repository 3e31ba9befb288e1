"""`countersign freeze`, `thaw` and `restored`: stop all agents at once."""

from __future__ import annotations

import typer
from sqlalchemy import Connection

from bot.cli.common import session
from bot.cli.common.session import OPERATOR
from bot.process.restore_guard import FIX, Count, count_events, counter_file, write_counter
from bot.settings import read_settings
from store.installation import tenancy


def record_restore() -> None:
    """Record a restore, and freeze everything. Run this before the service starts again.

    The restored database does not know what was decided and claimed since the backup: a used approval can look unused.
    """
    settings = read_settings()
    counter = counter_file(settings)

    def operation(connection: Connection) -> Count | None:
        tenancy.record_restore(connection, actor=OPERATOR, now=session.now())
        return count_events(connection) if counter else None

    if (count := session.transaction(operation)) and counter:
        write_counter(counter, count)
    typer.echo("the restore is recorded and everything is frozen")
    typer.echo(f"next: {FIX}")


def freeze() -> None:
    """Pause all agents at once."""
    _set_frozen(frozen=True)
    typer.echo("everything is frozen; `countersign thaw` ends it")


def thaw() -> None:
    """End a freeze. Agents that were paused one by one stay paused."""
    _set_frozen(frozen=False)
    typer.echo("nothing is frozen any more")


def _set_frozen(*, frozen: bool) -> None:
    session.transaction(
        lambda connection: tenancy.set_frozen(connection, frozen=frozen, actor=OPERATOR, now=session.now())
    )
