"""`countersign threads`: hold, resume and cancel the threads of agents, and show what happened in them.

The commands go through `store.threads.execute`, as clicks in Slack do, in the name of the operator. If the thread
changes meanwhile, the transaction is tried again.
"""

from __future__ import annotations

import json as jsonlib
from collections.abc import Callable
from typing import Annotated, Any, NamedTuple

import typer
from sqlalchemy import Connection

from bot.cli.common import session
from bot.cli.common.command_error import CommandError
from bot.cli.common.session import OPERATOR
from bot.cli.common.text import as_json, iso, plain
from rules.people.directory import Actor, ActorKind
from rules.record.chain import Event
from rules.threads.commands import CancelThread, HoldThread, ResumeThread, ThreadCommand
from rules.threads.model import ThreadState
from store.engine.database import StaleError
from store.installation.installation import fresh_id
from store.installation.tenancy import read_tenant_id
from store.packages.events import load_events_of
from store.threads.execute import ThreadInvocation, ThreadOutcome, execute_thread
from store.threads.members import thread_packages
from store.threads.records import list_threads, load_thread, load_thread_by_key

app = typer.Typer(help="Hold, resume and cancel the threads of agents.", no_args_is_help=True)

_OPERATOR = Actor(kind=ActorKind.AUTO, actor_id=OPERATOR)

ThreadName = Annotated[str, typer.Argument(metavar="THREAD", help="The thread_id that the packages name.")]

Reason = Annotated[str, typer.Option(help="Why. The agent and the reviewers can read it.")]


@app.command("hold")
def hold_thread(
    thread: ThreadName,
    *,
    reason: Reason = "Held by an operator.",
) -> None:
    """Stop a thread for now. What is already running goes on."""
    _give(lambda ids: HoldThread(**ids, reason=reason), thread)
    typer.echo(f"{plain(thread)} is on hold; `countersign threads resume` ends it")


@app.command("resume")
def resume_thread(
    thread: ThreadName,
    *,
    instruction: Annotated[str | None, typer.Option(help="What the agent should do from here.")] = None,
    state: Annotated[
        typer.FileText | None,
        typer.Option(help="A JSON file: the state to go on from. Revokes unused approvals."),
    ] = None,
    checkpoint: Annotated[str | None, typer.Option(help="The checkpoint from which to go on.")] = None,
) -> None:
    """Let the agent of a held thread go on."""
    modified = _read_state(state) if state else None
    _give(
        lambda ids: ResumeThread(**ids, instruction=instruction, modified_state=modified, checkpoint_id=checkpoint),
        thread,
    )
    typer.echo(f"{plain(thread)} is running again")


@app.command("cancel")
def cancel_thread(
    thread: ThreadName,
    *,
    reason: Annotated[
        str, typer.Option(help="Why. The agent and the reviewers can read it.")
    ] = "Cancelled by an operator.",
    rollback: Annotated[bool, typer.Option("--rollback", help="Ask the agent to undo what was done.")] = False,
) -> None:
    """End a thread for good. Open packages are cancelled, and unused approvals revoked."""
    _give(lambda ids: CancelThread(**ids, reason=reason, rollback=rollback), thread)
    typer.echo(f"{plain(thread)} is cancelled")


@app.command("list")
def list_all(*, json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """List held threads and those with an open package. The latest is first."""
    threads = session.query(_load_open)
    if json:
        typer.echo(as_json([{name: getattr(thread, name) for name in _LISTED} for thread in threads]))
        return
    for thread in threads:
        typer.echo(f"{thread.status.value:<10}{plain(thread.thread_id)}  (agent {thread.owner_agent})")


@app.command("history")
def show_history(
    thread: ThreadName,
    *,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show a thread, its packages and its events. The oldest is first."""
    record = session.query(lambda connection: _load(connection, thread))
    if json:
        typer.echo(as_json({"state": record.state.model_dump(mode="json"), "events": record.events}))
        return
    state = record.state
    since = f" since {iso(state.since)}, by {state.by}" if state.since else ""
    typer.echo(f"{plain(state.thread_id)}: {state.status.value}{since}")
    typer.echo(f"agent {state.owner_agent}, owner {state.owner}")
    for event in record.events:
        typer.echo(f"  {event['occurred_at']}  {event['event_type']}  {event['actor']}  {_chain(event)}".rstrip())


_LISTED = ("thread_id", "status", "owner_agent", "owner")
_MAX_LISTED = 200


def _load_open(connection: Connection) -> list[ThreadState]:
    tenant_id = read_tenant_id(connection)
    keys = list_threads(connection, tenant_id, lambda _: True, _MAX_LISTED)
    return [loaded.state for key in keys if (loaded := load_thread_by_key(connection, tenant_id, key))]


class _ThreadRecord(NamedTuple):
    state: ThreadState
    events: list[Event]


def _load(connection: Connection, thread: str) -> _ThreadRecord:
    tenant_id = read_tenant_id(connection)
    loaded = load_thread(connection, tenant_id, thread)
    if loaded is None:
        raise CommandError(f"no package names a thread {plain(thread)}")
    ids = (package.decision_package_id for package in thread_packages(connection, loaded.state))
    return _ThreadRecord(loaded.state, load_events_of(connection, tenant_id, (loaded.state.thread_key, *ids)))


def _chain(event: Event) -> str:
    chain = str(event["decision_package_id"])
    return chain if chain.startswith("pkg_") else ""


def _give(command: Callable[[dict[str, Any]], ThreadCommand], thread: str) -> None:
    ids = {"command_id": f"cli:{fresh_id()}", "thread_id": thread}
    outcome = _execute(ThreadInvocation(command=command(ids), now=session.now(), actor=_OPERATOR))
    if outcome.refusal:
        raise CommandError(outcome.refusal.sentence)


def _execute(invocation: ThreadInvocation) -> ThreadOutcome:
    def operation(connection: Connection) -> ThreadOutcome:
        return execute_thread(connection, session.load_installation(connection), invocation)

    try:
        return session.repeatable_transaction(operation)
    except StaleError:
        raise CommandError("The thread keeps changing. Try again.") from None


def _read_state(file: typer.FileText) -> dict[str, Any]:
    try:
        state = jsonlib.load(file)
    except ValueError as fault:
        raise CommandError(f"{file.name} is not JSON: {fault}") from None
    if not isinstance(state, dict):
        raise CommandError(f"{file.name} must hold a JSON object")
    return state
