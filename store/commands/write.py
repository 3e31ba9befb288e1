"""Writes a transition: the state, its events and their content, and the rows derived from them.

Every statement is gathered in the caller's batch, which sends them in one transaction.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pydantic_core import to_json
from sqlalchemy import Connection, insert
from sqlalchemy.exc import IntegrityError

from rules.record.chain import Event, package_event, seal_event
from rules.state.situation import Situation
from rules.state.transition import Occurrence, Transition
from rules.trace_context import TraceContext
from store.engine.batch import Batch, batched_writes
from store.engine.constraints import violated_constraint
from store.engine.database import StaleError
from store.mail.needs import write_mail_needs
from store.mail.records import mark_recorded
from store.migrations.append_only import append_only_message
from store.outbox import callbacks, cards
from store.packages import content, noes, tasks, threads, versions, votes
from store.packages.autonomy import save_profile
from store.packages.exceptions import write_exceptions
from store.packages.packages import Loaded, save_package
from store.schema.tables import EventRow, core

EVENTS = core(EventRow)
APPEND_EVENT = insert(EVENTS)
# Another command took the next position in the chain (on SQLite a trigger notices first), or this one was answered.
_CONFLICTS = frozenset(["events_pkey", append_only_message("events"), "commands_pkey", "thread_records_pkey"])


def write_transition(
    batch: Batch,
    transition: Transition,
    loaded: Loaded | None,
    situation: Situation,
    trace: TraceContext | None = None,
) -> None:
    """Write everything in the caller's transaction, so that nobody sees half of it. `trace`: of a new package."""
    if not transition.occurrences:
        return
    connection, before, after = batch.connection, transition.before, transition.after
    events, contents = _seal_events(transition, loaded.head if loaded else None)
    callback_url = _callback_url(transition, loaded, situation)
    save_package(batch, before, Loaded(after, events[-1]["digest"], callback_url, trace))
    rows = [_row(occurrence, event) for occurrence, event in zip(transition.occurrences, events, strict=True)]
    batch.execute(APPEND_EVENT, rows)
    content.save_content(batch, contents)
    versions.write_versions(batch, before, after)
    tasks.write_tasks(batch, before, after)
    threads.write_thread_holds(batch, before, after)
    votes.write_votes(batch, transition.occurrences)
    noes.write_noes(batch, before, after)
    write_exceptions(batch, before, after)
    cards.write_cards(batch, before, after, situation.policy)
    write_mail_needs(connection, batch, before, after, situation)
    mark_recorded(batch, transition)
    callbacks.write_callbacks(batch, transition, events, callback_url, situation)
    if transition.profile:
        # Written at once, because the next command in this transaction reads it.
        save_profile(connection, after.tenant_id, transition.profile)


@contextmanager
def batch_or_stale(connection: Connection) -> Iterator[Batch]:
    """Gather writes and send them at the end. Raises `StaleError` if another command was faster."""
    try:
        with batched_writes(connection) as batch:
            yield batch
    except IntegrityError as fault:
        if violated_constraint(fault) in _CONFLICTS:
            raise StaleError from fault
        raise


def _seal_events(transition: Transition, head: str | None) -> tuple[list[Event], list[content.NewContent]]:
    events: list[Event] = []
    contents: list[content.NewContent] = []
    before = transition.before
    for occurrence in transition.occurrences:
        salt = secrets.token_hex(16)
        event = seal_event(package_event(occurrence, before, salt), head)
        head, before = event["digest"], occurrence.after
        events.append(event)
        if occurrence.words:
            after = occurrence.after
            contents.append(
                content.NewContent(
                    after.tenant_id,
                    occurrence.event_id,
                    after.decision_package_id,
                    salt,
                    occurrence.words,
                    after.updated_at,
                )
            )
    return events, contents


def _row(occurrence: Occurrence, event: Event) -> dict[str, Any]:
    after = occurrence.after
    return {
        "tenant_id": after.tenant_id,
        "package_id": after.decision_package_id,
        "revision": after.revision,
        "event_id": occurrence.event_id,
        "event_type": occurrence.event_type.value,
        "action_type": after.action_type,
        "actor": occurrence.actor.actor_id,
        "occurred_at": after.updated_at,
        "body": to_json(event).decode(),
    }


def _callback_url(transition: Transition, loaded: Loaded | None, situation: Situation) -> str | None:
    """The address of the new version, else of the package before, else of the agent. It changes with the agent."""
    proposed = _package_words(transition.occurrences[0])
    if transition.before and transition.before.agent_id != transition.after.agent_id:
        return situation.agent.callback_url if situation.agent else None
    return (
        (proposed.get("callback_url") if proposed else None)
        or (loaded.callback_url if loaded else None)
        or (situation.agent.callback_url if situation.agent else None)
    )


def _package_words(occurrence: Occurrence) -> dict[str, Any] | None:
    package = (occurrence.words or {}).get("package")
    return package if isinstance(package, dict) else None
