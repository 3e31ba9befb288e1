"""Writes down what was decided: the state, the events that made it, their words, and everything found by them."""

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
from store.engine.batch import Batch, batched_writes
from store.engine.constraints import violated_constraint
from store.engine.database import StaleError
from store.migrations.append_only import append_only_message
from store.outbox import callbacks, cards
from store.packages import content, rejections, tasks, threads, versions, votes
from store.packages.autonomy import save_profile
from store.packages.packages import Loaded, save_package
from store.schema.tables import EventRow, core

EVENTS = core(EventRow)
_APPEND = insert(EVENTS)
# The next event's place in the chain is taken (on SQLite a trigger says so first), or this command was answered before.
_TAKEN = frozenset(["events_pkey", append_only_message("events"), "commands_pkey"])


def write_transition(connection: Connection, decided: Transition, found: Loaded | None, situation: Situation) -> None:
    """Everything in the caller's one transaction: there is no moment at which half of it is true."""
    if not decided.occurrences:
        return
    before, after = decided.before, decided.after
    events, kept = _sealed(decided, found.head if found else None)
    callback_url = _callback_url(decided, found, situation)
    with batch_or_stale(connection) as batch:
        save_package(batch, before, after, events[-1]["digest"], callback_url)
        batch.execute(
            _APPEND, [_row(happened, event) for happened, event in zip(decided.occurrences, events, strict=True)]
        )
        content.save_content(batch, kept)
        versions.write_versions(batch, before, after)
        tasks.write_tasks(batch, before, after)
        threads.write_thread_holds(batch, before, after)
        votes.write_votes(batch, decided.occurrences)
        rejections.write_rejections(batch, before, after)
        cards.write_cards(batch, before, after, situation.policy)
        callbacks.write_callbacks(batch, decided, events, callback_url, situation)
        if decided.profile:
            # Not kept for later: the next outcome in this transaction counts on it.
            save_profile(connection, after.tenant_id, decided.profile)


@contextmanager
def batch_or_stale(connection: Connection) -> Iterator[Batch]:
    """Sent together. Where the next event's place in the chain is taken, or the command's own, somebody was quicker."""
    try:
        with batched_writes(connection) as batch:
            yield batch
    except IntegrityError as fault:
        if violated_constraint(fault) in _TAKEN:
            raise StaleError from fault
        raise


def _sealed(decided: Transition, head: str | None) -> tuple[list[Event], list[content.NewContent]]:
    events: list[Event] = []
    kept: list[content.NewContent] = []
    before = decided.before
    for happened in decided.occurrences:
        salt = secrets.token_hex(16)
        event = seal_event(package_event(happened, before, salt), head)
        head, before = event["digest"], happened.after
        events.append(event)
        if happened.words:
            after = happened.after
            kept.append(
                content.NewContent(
                    after.tenant_id,
                    happened.event_id,
                    after.decision_package_id,
                    salt,
                    happened.words,
                    after.updated_at,
                )
            )
    return events, kept


def _row(happened: Occurrence, event: Event) -> dict[str, Any]:
    after = happened.after
    return {
        "tenant_id": after.tenant_id,
        "package_id": after.decision_package_id,
        "revision": after.revision,
        "event_id": happened.event_id,
        "event_type": happened.event_type.value,
        "action_type": after.action_type,
        "actor": happened.actor.actor_id,
        "occurred_at": after.updated_at,
        "body": to_json(event).decode(),
    }


def _callback_url(decided: Transition, found: Loaded | None, situation: Situation) -> str | None:
    """The newest version's own address, else the one before, else the agent's."""
    proposed = _proposed(decided.occurrences[0])
    return (
        (proposed.get("callback_url") if proposed else None)
        or (found.callback_url if found else None)
        or (situation.agent.callback_url if situation.agent else None)
    )


def _proposed(happened: Occurrence) -> dict[str, Any] | None:
    package = (happened.words or {}).get("package")
    return package if isinstance(package, dict) else None
