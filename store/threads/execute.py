"""Executes commands for threads: the only code that changes a thread's record.

One transaction writes the thread, its event and texts, the names that are stopped, the callbacks, and what follows for
the first packages of the thread; the clock does the others (`store.threads.follow`). Commands for one thread run one
after the other, so that no stream of commands can keep another one from being written.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic_core import to_json
from sqlalchemy import Connection, bindparam, select, text

from rules.authority.key_limits import PERIOD
from rules.people.directory import Actor, ActorKind, Agent, Roster
from rules.reasons import Reason, Refusal, refuse
from rules.record.chain import seal_event, thread_event
from rules.state.model import PackageState
from rules.threads.checks import MAX_CHECKPOINTS
from rules.threads.commands import HandoffCommand, OfferHandoff, ReportCheckpoint, ThreadCommand
from rules.threads.decide import ThreadTransition, decide_thread
from rules.threads.model import ThreadState, thread_key
from rules.threads.situation import ThreadSituation
from store.commands.answers import NewAnswer, load_answer, save_answer
from store.commands.execute import execute_many
from store.commands.invocation import Invocation
from store.commands.write import APPEND_EVENT, EVENTS, batch_or_stale
from store.engine.database import StaleError
from store.engine.statements import fetch_all
from store.installation.installation import Installation, fresh_id
from store.packages.content import NewContent, save_content
from store.schema.tables import IS_CHECKPOINT
from store.threads.callbacks import write_thread_callbacks
from store.threads.follow import follow_thread
from store.threads.handoffs import load_handoff_fields, names_to_announce
from store.threads.members import reached_packages, thread_packages
from store.threads.records import LoadedThread, begin_thread, load_thread, save_thread

_RECENT_CHECKPOINTS = (
    select(EVENTS.c.occurred_at)
    .where(
        EVENTS.c.tenant_id == bindparam("tenant"),
        EVENTS.c.actor == bindparam("agent"),
        EVENTS.c.occurred_at > bindparam("since", type_=EVENTS.c.occurred_at.type),
        text(IS_CHECKPOINT),
    )
    .order_by(EVENTS.c.occurred_at.desc())
    .limit(MAX_CHECKPOINTS)
)


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
    """The thread after the command, or the refusal. `changed`: what to announce to those who wait."""

    state: ThreadState | None = None
    refusal: Refusal | None = None
    replayed: bool = False
    changed: tuple[str, ...] = ()


def execute_thread(connection: Connection, installation: Installation, invocation: ThreadInvocation) -> ThreadOutcome:
    """Execute one command. Raises `StaleError` if something was changed meanwhile; then run it again."""
    tenant_id, command = installation.tenant_id, invocation.command
    roster = installation.roster(connection)
    loaded = load_thread(connection, tenant_id, command.thread_id, lock=True)
    if answered := load_answer(connection, tenant_id, command.command_id):
        conflict = answered.check_same_content(invocation.content_digest, thread_key(command.thread_id))
        return ThreadOutcome(state=loaded.state if loaded else None, refusal=conflict, replayed=True)
    if loaded is None and isinstance(command, OfferHandoff) and invocation.agent:
        loaded = begin_thread(tenant_id, command.thread_id, invocation.agent.agent_id, invocation.agent.owner)
    if loaded is None:
        return ThreadOutcome(refusal=_unknown(invocation))
    result = decide_thread(loaded.state, command, _situation(connection, roster, invocation, loaded.state))
    if isinstance(result, Refusal):
        return ThreadOutcome(state=loaded.state, refusal=result)
    return _write(connection, installation, invocation, loaded, result)


def _unknown(invocation: ThreadInvocation) -> Refusal:
    if invocation.actor.kind is ActorKind.AGENT:
        return refuse(Reason.THREAD_UNKNOWN)
    return refuse(Reason.THREAD_NOT_VISIBLE, thread=invocation.command.thread_id)


def _packages_for(
    connection: Connection, invocation: ThreadInvocation, thread: ThreadState
) -> tuple[PackageState, ...]:
    """The packages on which the command depends: none for a checkpoint, only those of the thread for a handoff."""
    match invocation.command:
        case ReportCheckpoint():
            return ()
        case OfferHandoff() | HandoffCommand():
            return thread_packages(connection, thread)
        case _:
            return reached_packages(connection, thread)


def _situation(
    connection: Connection, roster: Roster, invocation: ThreadInvocation, thread: ThreadState
) -> ThreadSituation:
    return ThreadSituation(
        roster=roster,
        now=invocation.now,
        fresh_id=fresh_id(),
        actor=invocation.actor,
        packages=_packages_for(connection, invocation, thread),
        recent_checkpoints=_recent_checkpoints(connection, invocation, thread.tenant_id),
        **_handoff_fields(connection, invocation, thread),
    )


def _handoff_fields(connection: Connection, invocation: ThreadInvocation, thread: ThreadState) -> dict[str, Any]:
    if not isinstance(invocation.command, OfferHandoff | HandoffCommand):
        return {}
    return load_handoff_fields(connection, thread, invocation.command, invocation.now)


def _recent_checkpoints(connection: Connection, invocation: ThreadInvocation, tenant_id: str) -> tuple[datetime, ...]:
    if not isinstance(invocation.command, ReportCheckpoint):
        return ()
    key = {"tenant": tenant_id, "agent": invocation.actor.actor_id, "since": invocation.now - PERIOD}
    return tuple(row.occurred_at for row in fetch_all(connection, _RECENT_CHECKPOINTS, key)[::-1])


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
    packages = hand_over(connection, installation, result, invocation)
    if after.event_id == result.event_id:
        packages = follow_thread(connection, installation, after, invocation.now)
    write_thread_callbacks(connection, installation.roster(connection), result)
    return ThreadOutcome(state=after, changed=(after.thread_key, *packages, *names_to_announce(result.before, after)))


def hand_over(
    connection: Connection, installation: Installation, result: ThreadTransition, invocation: ThreadInvocation
) -> tuple[str, ...]:
    """Hand over all packages or none. The service gives these commands in the name of the agent that accepted."""
    service = Actor(kind=ActorKind.AUTO, actor_id=invocation.actor.actor_id)
    invocations = [
        Invocation(command=command, now=invocation.now, actor=service, agent_id=result.after.owner_agent)
        for command in result.handed_over
    ]
    outcomes = execute_many(connection, installation, invocations)
    if any(outcome.refusal for outcome in outcomes):
        raise StaleError  # a package was decided or claimed after it was read
    return tuple(outcome.state.decision_package_id for outcome in outcomes if outcome.state)


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
