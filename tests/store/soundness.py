"""Invariants of every database at any time, checked on its tables alone."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from sqlalchemy import Connection, text

from rules.package.takeover_reach import names_held
from rules.record.chain import Event, event_digest
from rules.scales import HITLLevel
from rules.state.decisions import Basis, ExecutionState
from rules.state.model import PackageState, Status
from store.packages.packages import stop_columns
from tests.rules.record.record import fold_events

Row = Any


class Package(NamedTuple):
    """A package's row, its state, and its rows in other tables."""

    row: Row
    state: PackageState
    events: list[Event]
    open_tasks: list[str]
    threads: list[str]
    callbacks: list[str]
    thread_status: str | None


def faults(connection: Connection) -> list[str]:
    """All violated invariants as sentences; empty for a sound database."""
    return [f"{package.row.package_id}: {fault}" for package in _packages(connection) for fault in _faults(package)]


def _packages(connection: Connection) -> list[Package]:
    events = _group_values(connection, "SELECT package_id, body FROM events ORDER BY package_id, revision")
    tasks = _group_values(connection, "SELECT package_id, review_task_id FROM review_tasks WHERE open")
    threads = _group_values(connection, "SELECT package_id, thread_id FROM threads ORDER BY thread_id")
    callbacks = _group_values(connection, "SELECT package_id, state FROM callbacks")
    query = text("SELECT thread_key, status FROM thread_records WHERE status <> 'running'")
    stopped = {row.thread_key: row.status for row in connection.execute(query)}
    rows = connection.execute(text("SELECT * FROM packages")).all()
    return [
        Package(
            row,
            PackageState.model_validate_json(row.state),
            [json.loads(body) for body in events.get(row.package_id, [])],
            tasks.get(row.package_id, []),
            threads.get(row.package_id, []),
            callbacks.get(row.package_id, []),
            stopped.get(row.thread_key),
        )
        for row in rows
    ]


def _group_values(connection: Connection, query: str) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for key, value in connection.execute(text(query)):
        groups.setdefault(key, []).append(value)
    return groups


def _faults(package: Package) -> Iterator[str]:
    for holds in RULES:
        if not holds(package):
            yield (holds.__doc__ or holds.__name__).strip()


def _events_fold_to_state(package: Package) -> bool:
    """its events fold to its state"""
    return bool(fold_events(package.events) == json.loads(package.row.state))


def _revisions_are_consecutive(package: Package) -> bool:
    """its revision is the number of its events, which are numbered from one"""
    revisions = [event["revision"] for event in package.events]
    expected = list(range(1, package.state.revision + 1))
    return (revisions, package.row.revision) == (expected, package.state.revision)


def _digests_form_a_chain(package: Package) -> bool:
    """each event holds the digest of the event before it, and the row holds the digest of the last event"""
    digests = [event["digest"] for event in package.events]
    true = digests == [event_digest(event) for event in package.events]
    return true and [event["previous"] for event in package.events] + [package.row.head] == [None, *digests]


def _columns_match_state(package: Package) -> bool:
    """the columns agree with the state"""
    row, state = package.row, package.state
    stops = {name: getattr(row, name) for name in stop_columns(state)}
    same = (row.version, row.status, row.level, row.risk) == (state.version, state.status, state.level, state.risk)
    return same and stops == stop_columns(state)


def _follows_its_thread(package: Package) -> bool:
    """it is open or permitted in a held thread only while it is held, and never in a cancelled one"""
    stopped = package.state.is_stoppable and package.thread_status
    return not stopped or (stopped == "held" and package.state.hold is not None)


def _has_the_right_tasks(package: Package) -> bool:
    """it has exactly one open task while it waits for people, and otherwise none"""
    awaited = package.state.status is Status.PENDING and package.state.level > HITLLevel.NOTIFY_ONLY
    return package.open_tasks == ([package.state.task.review_task_id] if awaited else [])


def _holds_its_thread(package: Package) -> bool:
    """it is in the table of threads exactly while it holds its thread"""
    return package.threads == (sorted(names_held(package.state)) if package.state.holds_thread else [])


def _is_claimed_at_most_once(package: Package) -> bool:
    """it was claimed at most once"""
    return [event["event_type"] for event in package.events].count("execution.claimed") <= 1


def _terminal_status_is_final(package: Package) -> bool:
    """a terminal status never changes, except that a permission can be revoked"""
    statuses = [Status(event["change"]["status"]) for event in package.events if "status" in event["change"]]
    granted = (Status.APPROVED, Status.CONSENTED, Status.OVERRIDDEN)
    left = [(was, now) for was, now in itertools.pairwise(statuses) if was.terminal and now is not was]
    return all(was in granted and now is Status.REVOKED for was, now in left)


def _level_never_falls(package: Package) -> bool:
    """its level never falls"""
    levels = [HITLLevel(event["hitl_level"]) for event in package.events]
    return levels == sorted(levels)


def _votes_are_on_this_version(package: Package) -> bool:
    """the decision and all votes that count are on the current version"""
    state = package.state
    versions = {vote.version for vote in state.votes} | {state.decision.package_version if state.decision else 0}
    return versions <= {state.version, 0}


def _deciders_are_distinct_and_allowed(package: Package) -> bool:
    """each decider counts once, and nobody who is barred let it proceed"""
    decision = package.state.decision
    people = [seat.reviewer_id for seat in decision.reviewers] if decision else []
    barred = package.state.barred if package.state.proceeds else {}
    return len(people) == len(set(people)) and not barred.keys() & people


def _quorum_is_reached(package: Package) -> bool:
    """as many people as its quorum let it proceed"""
    decision = package.state.decision
    by_people = decision is not None and package.state.proceeds and decision.basis in (Basis.HUMAN, Basis.QUORUM)
    return not by_people or (decision is not None and len(decision.reviewers) >= package.state.terms.quorum)


def _decision_names_the_right_people(package: Package) -> bool:
    """a timeout is not recorded as a rejection, and a rejection names its reviewer"""
    decision, status = package.state.decision, package.state.status
    if decision is not None and decision.basis is Basis.TIMEOUT:
        return status in (Status.EXPIRED, Status.CANCELLED, Status.DEFERRED) and not decision.reviewers
    human = decision is not None and decision.basis is Basis.HUMAN and len(decision.reviewers) == 1
    return human or status is not Status.REJECTED


def _permission_has_a_decision(package: Package) -> bool:
    """it was not permitted or claimed without a decision"""
    acts = package.state.proceeds or package.state.execution.state is not ExecutionState.NONE
    return not acts or package.state.decision is not None


def _callbacks_are_in_order(package: Package) -> bool:
    """at most one of its callbacks is due, and the others wait for that one"""
    due = package.callbacks.count("due")
    return due == 1 or (due == 0 and "waiting" not in package.callbacks)


RULES: tuple[Callable[[Package], bool], ...] = (
    _events_fold_to_state,
    _revisions_are_consecutive,
    _digests_form_a_chain,
    _columns_match_state,
    _follows_its_thread,
    _has_the_right_tasks,
    _holds_its_thread,
    _is_claimed_at_most_once,
    _terminal_status_is_final,
    _level_never_falls,
    _votes_are_on_this_version,
    _deciders_are_distinct_and_allowed,
    _quorum_is_reached,
    _decision_names_the_right_people,
    _permission_has_a_decision,
    _callbacks_are_in_order,
)
