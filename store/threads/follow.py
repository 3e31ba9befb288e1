"""Lets the packages of a stopped or resumed thread follow it, a few in each transaction.

The command for the thread takes along the first few. The clock does the rest, and looks again for a while: a package
that was being submitted when the thread was stopped is found then. A held thread is looked at until it is resumed.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection

from rules.people.directory import Actor, ActorKind
from rules.threads.following import commands_to_follow
from rules.threads.model import ThreadState, ThreadStatus
from store.commands.execute import execute_many
from store.commands.invocation import Invocation
from store.installation.installation import Installation
from store.threads.members import load_unfollowing, write_names
from store.threads.records import load_thread_by_key, set_due

AT_ONCE = 32  # few, because clicks on these packages wait for all of them
_SETTLED_AFTER = timedelta(minutes=2)  # longer than any submission takes
_SOON, _LATER = timedelta(seconds=10), timedelta(minutes=1)


def follow_due_thread(connection: Connection, installation: Installation, key: str, now: datetime) -> tuple[str, ...]:
    """The clock's part. Returns the ids of the packages that changed."""
    loaded = load_thread_by_key(connection, installation.tenant_id, key, lock=True)
    return follow_thread(connection, installation, loaded.state, now) if loaded else ()


def follow_thread(
    connection: Connection, installation: Installation, thread: ThreadState, now: datetime
) -> tuple[str, ...]:
    """Let the next packages follow, and set when to look again. Call this while the thread's record is locked."""
    packages = load_unfollowing(connection, thread, AT_ONCE)
    # The service gives these commands in the name of the person, whose command they follow from.
    service = Actor(kind=ActorKind.AUTO, actor_id=thread.by or "")
    commands = {command.decision_package_id: command for command in commands_to_follow(thread, packages)}
    invocations = [Invocation(command=command, now=now, actor=service) for command in commands.values()]
    outcomes = execute_many(connection, installation, invocations)
    write_names(connection, [package for package in packages if package.decision_package_id not in commands])
    changed = tuple(outcome.state.decision_package_id for outcome in outcomes if outcome.state and outcome.changed)
    there_may_be_more = bool(changed) and len(packages) == AT_ONCE
    set_due(connection, thread.tenant_id, thread.thread_key, now if there_may_be_more else _next_look(thread, now))
    return changed


def _next_look(thread: ThreadState, now: datetime) -> datetime | None:
    if thread.since and now - thread.since < _SETTLED_AFTER:
        return now + _SOON
    return now + _LATER if thread.status is ThreadStatus.HELD else None
