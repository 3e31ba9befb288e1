"""Executes commands for threads: the only code that changes a thread's record.

One transaction writes the thread, its event and texts, the names that are stopped, the callbacks, and what follows for
each package of the thread, so that nobody sees half of it. If anything was changed meanwhile, all of it runs again.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime

from pydantic_core import to_json
from sqlalchemy import Connection

from rules.people.directory import Actor, ActorKind, Agent, Roster
from rules.reasons import Reason, Refusal, refuse
from rules.record.chain import seal_event, thread_event
from rules.state.model import PackageState
from rules.threads.commands import ThreadCommand
from rules.threads.decide import ThreadTransition, decide_thread
from rules.threads.model import ThreadState, thread_key
from rules.threads.situation import ThreadSituation
from store.commands.answers import NewAnswer, load_answer, save_answer
from store.commands.execute import execute_many
from store.commands.invocation import Invocation
from store.commands.write import APPEND_EVENT, batch_or_stale
from store.engine.database import StaleError
from store.installation.installation import Installation, fresh_id
from store.packages.content import NewContent, save_content
from store.threads.callbacks import write_thread_callback
from store.threads.records import LoadedThread, load_thread, save_thread, thread_packages


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadInvocation:
    """A command and its context. `agent` is set if an agent gives it."""

    command: ThreadCommand
    now: datetime
    actor: Actor
    agent: Agent | None = None
    content_digest: str | None = None
    request: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadOutcome:
    """The thread after the command, or the refusal. `changed`: the ids of the thread and packages that changed."""

    state: ThreadState | None = None
    refusal: Refusal | None = None
    replayed: bool = False
    changed: tuple[str, ...] = ()


def execute_thread(connection: Connection, installation: Installation, invocation: ThreadInvocation) -> ThreadOutcome:
    """Execute one command. Raises `StaleError` if something was changed meanwhile; then run it again."""
    tenant_id, command = installation.tenant_id, invocation.command
    roster = installation.roster(connection)
    loaded = load_thread(connection, tenant_id, command.thread_id, invocation.agent)
    if answered := load_answer(connection, tenant_id, command.command_id):
        conflict = answered.check_same_content(invocation.content_digest, thread_key(command.thread_id))
        return ThreadOutcome(state=loaded.state if loaded else None, refusal=conflict, replayed=True)
    if loaded is None:
        return ThreadOutcome(refusal=refuse(Reason.THREAD_NOT_VISIBLE, thread=command.thread_id))
    packages = _packages_for(connection, tenant_id, invocation)
    result = decide_thread(loaded.state, command, _situation(invocation, roster, packages))
    if isinstance(result, Refusal):
        return ThreadOutcome(state=loaded.state, refusal=result)
    return _write(connection, installation, invocation, loaded, result)


def _packages_for(connection: Connection, tenant_id: str, invocation: ThreadInvocation) -> tuple[PackageState, ...]:
    """A checkpoint depends on none of them."""
    if invocation.actor.kind is ActorKind.AGENT:
        return ()
    return thread_packages(connection, tenant_id, thread_key(invocation.command.thread_id))


def _situation(invocation: ThreadInvocation, roster: Roster, packages: tuple[PackageState, ...]) -> ThreadSituation:
    return ThreadSituation(
        roster=roster, now=invocation.now, fresh_id=fresh_id(), actor=invocation.actor, packages=packages
    )


def _write(
    connection: Connection,
    installation: Installation,
    invocation: ThreadInvocation,
    loaded: LoadedThread,
    result: ThreadTransition,
) -> ThreadOutcome:
    after, salt = result.after, secrets.token_hex(16)
    event = seal_event(thread_event(result, salt), loaded.head)
    with batch_or_stale(connection) as batch:
        save_answer(batch, _answer(installation.tenant_id, invocation, after))
        save_thread(batch, result.before, after, event["digest"])
        batch.execute(APPEND_EVENT, _event_row(result, to_json(event).decode()))
        if result.words:
            content = NewContent(after.tenant_id, result.event_id, after.thread_key, salt, result.words, invocation.now)
            save_content(batch, [content])
    outcomes = execute_many(connection, installation, _consequences(invocation, result))
    if any(outcome.refusal for outcome in outcomes):
        raise StaleError  # a package was decided or claimed after it was read
    write_thread_callback(connection, installation.roster(connection), result)
    packages = [outcome.state.decision_package_id for outcome in outcomes if outcome.state and outcome.changed]
    return ThreadOutcome(state=after, changed=(after.thread_key, *packages))


def _consequences(invocation: ThreadInvocation, result: ThreadTransition) -> list[Invocation]:
    """The service gives these in the name of the person, whose command they follow from."""
    service = Actor(kind=ActorKind.AUTO, actor_id=invocation.actor.actor_id)
    return [Invocation(command=command, now=invocation.now, actor=service) for command in result.consequences]


def _answer(tenant_id: str, invocation: ThreadInvocation, after: ThreadState) -> NewAnswer:
    return NewAnswer(
        tenant_id=tenant_id,
        command_id=invocation.command.command_id,
        package_id=after.thread_key,
        content_digest=invocation.content_digest,
        refusal=None,
        request=invocation.request,
        at=invocation.now,
    )


def _event_row(result: ThreadTransition, body: str) -> dict[str, object]:
    after = result.after
    return {
        "tenant_id": after.tenant_id,
        "package_id": after.thread_key,
        "revision": after.revision,
        "event_id": result.event_id,
        "event_type": result.event_type.value,
        "action_type": "thread",
        "actor": result.actor.actor_id,
        "occurred_at": result.at,
        "body": body,
    }
