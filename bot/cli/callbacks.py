"""`countersign callbacks …`: lists callbacks and mails that did not arrive, and sends them again.

Mails are in the same table, so `list`, `show` and `resend` take both. The commands only mark callbacks in the database;
`countersign serve` sends them.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any

import typer

from bot.cli.common import session
from bot.cli.common.text import as_json, iso, plain, table
from rules.record.chain import rfc3339
from store.mail import letters
from store.outbox import callback_admin
from store.outbox.callback_admin import ListedCallback
from store.outbox.callbacks import CallbackState, PostKind

app = typer.Typer(no_args_is_help=True, help="List and resend failed callbacks.")

BATCH = 500  # callbacks that one transaction marks to be sent again
UNDELIVERED = [CallbackState.DUE, CallbackState.WAITING, CallbackState.DEAD]

States = Annotated[
    list[CallbackState] | None,
    typer.Option("--state", help="Only in this state; repeatable. Default: undelivered callbacks.", show_default=False),
]
OfAgent = Annotated[str | None, typer.Option("--agent", help="Only of this agent.", metavar="NAME", show_default=False)]
Limit = Annotated[int, typer.Option(help="How many at most.", min=1, max=10_000)]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Id = Annotated[str, typer.Argument(help="The callback's id, msg_…", metavar="ID", show_default=False)]
Ids = Annotated[list[str] | None, typer.Argument(help="Callbacks, msg_…", metavar="ID", show_default=False)]
All = Annotated[bool, typer.Option("--all", help="All callbacks that were given up.")]
Url = Annotated[str, typer.Argument(help="The address.", metavar="URL", show_default=False)]


@app.command("list")
def list_callbacks(state: States = None, agent: OfAgent = None, limit: Limit = 50, *, json: Json = False) -> None:
    """List undelivered callbacks and why, the newest first."""
    callbacks = session.query(
        lambda connection: callback_admin.list_callbacks(connection, state or UNDELIVERED, agent=agent, limit=limit)
    )
    if json:
        typer.echo(as_json([_document(callback) for callback in callbacks]))
        return
    if not callbacks:
        typer.echo("no such callbacks" if state or agent else "no undelivered callbacks")
        return
    head, *rows = table(("CREATED", "STATE", "TRIES", "TYPE", "TO"), [_row(callback) for callback in callbacks]).split(
        "\n"
    )
    typer.echo(head)
    for row, callback in zip(rows, callbacks, strict=True):
        typer.echo("\n".join([row, *_lines(callback)]))


def _row(callback: ListedCallback) -> tuple[object, ...]:
    return (
        iso(callback.created_at),
        callback.state,
        callback.attempts,
        callback.event_type,
        plain(callback.agent or callback.person or callback.agent_id),
    )


def _lines(callback: ListedCallback) -> list[str]:
    is_mail = callback.kind is PostKind.MAIL  # then `agent_id` is the Slack id of its person
    recipient = f"mail to {callback.person or 'someone'} ({callback.agent_id})" if is_mail else callback.url
    about = "" if is_mail else f"  {callback.package_id}"
    lines = [f"  {callback.callback_id}{about}", f"  {plain(recipient)}"]
    return lines + ([f"  {plain(callback.last_error)}"] if callback.last_error else [])


@app.command("show")
def show_callback(callback_id: Id, *, json: Json = False) -> None:
    """Show one callback or mail, and its attempts. The last error and the packages of a mail are shown too."""
    callback, tells = session.query(
        lambda connection: (
            callback_admin.find_callback(connection, callback_id),
            letters.packages_told(connection, callback_id),
        )
    )
    document = _document(callback) | ({"tells": tells} if callback.kind is PostKind.MAIL else {})
    if json:
        typer.echo(as_json(document))
        return
    shown = {name: value for name, value in document.items() if value not in (None, False)}
    typer.echo("\n".join(f"{name.replace('_', ' ')}: {plain(str(value))}" for name, value in shown.items()))


def _document(callback: ListedCallback) -> dict[str, Any]:
    return {
        name: rfc3339(value) if isinstance(value, datetime) else value for name, value in callback._asdict().items()
    }


@app.command()
def resend(ids: Ids = None, agent: OfAgent = None, *, every: All = False) -> None:
    """Send callbacks again, under the same id. Name them, or use --all for all that were given up."""
    if bool(ids) is every or (agent and not every):
        raise typer.BadParameter("give the ids, or --all, with --agent for those of one agent")
    if every:
        _resend_all(agent)
        return
    for callback_id in ids or ():
        state = session.transaction(partial(callback_admin.resend_callback, callback_id=callback_id, now=_real_time()))
        typer.echo(f"{callback_id} is {state}")


def _resend_all(agent: str | None) -> None:
    """Resend in batches, so that no other transaction waits long."""
    total, after, now = 0, None, _real_time()
    while True:
        batch = session.transaction(partial(callback_admin.resend_dead, now=now, agent=agent, after=after, limit=BATCH))
        total, after = total + batch.resent, batch.following
        if after is None:
            break
        typer.echo(f"{total} so far", err=True)
    typer.echo(f"{total} will be sent again" if total else "no callbacks to resend")


@app.command()
def enable(url: Url) -> None:
    """Allow callbacks to an address that answered 410 Gone."""
    count = session.transaction(lambda connection: callback_admin.enable_address(connection, url))
    typer.echo(f"{plain(url)} is open again")
    if count:
        typer.echo(f"given up until now: {count}; `countersign callbacks resend --all` sends them again")


def _real_time() -> datetime:
    """Callbacks are sent by real time, even if a demo has moved its business time."""
    return datetime.now(UTC)
