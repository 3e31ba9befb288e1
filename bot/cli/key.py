"""`countersign key`: prints the public key, and seals callback secrets with a new key."""

from __future__ import annotations

import typer
from sqlalchemy import Connection

from bot.cli.common import session
from bot.keys import signing_key, vault
from bot.settings import read_settings
from rules.state.events import TenantEventType
from store.agents.callback_secrets import reseal_all
from store.installation.tenancy import append_tenant_event

app = typer.Typer(invoke_without_command=True)


@app.callback()
def key(context: typer.Context) -> None:
    """Print the public key, or seal callback secrets again. The key verifies exports."""
    if context.invoked_subcommand is None:
        typer.echo(signing_key(read_settings()).public)


@app.command("rotate")
def rotate_key() -> None:
    """Seal every callback secret with COUNTERSIGN_KEY. COUNTERSIGN_KEY_OLD opens what an earlier key sealed."""
    settings = read_settings()
    keys, public = vault(settings), signing_key(settings).public

    def operation(connection: Connection) -> int:
        count = reseal_all(connection, keys, session.now())
        append_tenant_event(connection, TenantEventType.KEY_ROTATED, session.OPERATOR, session.now(), public_key=public)
        return count

    typer.echo(f"sealed {session.transaction(operation)} callback secrets with the key {public}")
    if settings.key_old:
        typer.echo("COUNTERSIGN_KEY_OLD is no longer needed")
