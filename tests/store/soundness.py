"""Invariants of every database at any time, checked on its tables alone."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from sqlalchemy import Connection, text

from rules.record.chain import Event, event_digest
from rules.scales import HITLLevel
from rules.state.model import Basis, ExecutionState, PackageState, Status
from rules.state.takeover_reach import names_held
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


def faults(connection: Connection) -> list[str]:
    """All violated invariants as sentences; empty for a sound database."""
    return [f"{package.row.package_id}: {fault}" for package in _packages(connection) for fault in _faults(package)]


def _packages(connection: Connection) -> list[Package]:
    events = _grouped(connection, "SELECT package_id, body FROM events ORDER BY package_id, revision")
    tasks = _grouped(connection, "SELECT package_id, review_task_id FROM review_tasks WHERE open")
    threads = _grouped(connection, "SELECT package_id, thread_id FROM threads ORDER BY thread_id")
    callbacks = _grouped(connection, "SELECT package_id, state FROM callbacks")
    rows = connection.execute(text("SELECT * FROM packages")).all()
    return [
        Package(
            row,
            PackageState.model_validate_json(row.state),
            [json.loads(body) for body in events.get(row.package_id, [])],
            tasks.get(row.package_id, []),
            threads.get(row.package_id, []),
            callbacks.get(row.package_id, []),
        )
        for row in rows
    ]


def _grouped(connection: Connection, query: str) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for key, value in connection.execute(text(query)):
        groups.setdefault(key, []).append(value)
    return groups


def _faults(package: Package) -> Iterator[str]:
    for holds in RULES:
        if not holds(package):
            yield (holds.__doc__ or holds.__name__).strip()


def _folds(package: Package) -> bool:
    """its events fold to its state"""
    return bool(fold_events(package.events) == json.loads(package.row.state))


def _numbered(package: Package) -> bool:
    """its revision is the number of its events, which are numbered from one on"""
    revisions = [event["revision"] for event in package.events]
    expected = list(range(1, package.state.revision + 1))
    return (revisions, package.row.revision) == (expected, package.state.revision)


def _chained(package: Package) -> bool:
    """each event holds the digest of the one before it, and the row that of the last"""
    digests = [event["digest"] for event in package.events]
    true = digests == [event_digest(event) for event in package.events]
    return true and [event["previous"] for event in package.events] + [package.row.head] == [None, *digests]


def _mirrored(package: Package) -> bool:
    """the columns say what the state says"""
    row, state = package.row, package.state
    return (row.version, row.status, row.level, row.risk) == (state.version, state.status, state.level, state.risk)


def _queued(package: Package) -> bool:
    """it has exactly one open task while people are awaited, and otherwise none"""
    awaited = package.state.status is Status.PENDING and package.state.level > HITLLevel.NOTIFY_ONLY
    return package.open_tasks == ([package.state.task.review_task_id] if awaited else [])


def _holding(package: Package) -> bool:
    """the table of threads has it exactly while it holds its thread"""
    return package.threads == (sorted(names_held(package.state)) if package.state.holds_thread else [])


def _claimed_once(package: Package) -> bool:
    """it was claimed at most once"""
    return [event["event_type"] for event in package.events].count("execution.claimed") <= 1


def _ends(package: Package) -> bool:
    """nothing leaves a terminal status, but for a permission that is revoked"""
    statuses = [Status(event["change"]["status"]) for event in package.events if "status" in event["change"]]
    granted = (Status.APPROVED, Status.CONSENTED, Status.OVERRIDDEN)
    left = [(was, now) for was, now in itertools.pairwise(statuses) if was.terminal and now is not was]
    return all(was in granted and now is Status.REVOKED for was, now in left)


def _never_milder(package: Package) -> bool:
    """its level never falls"""
    levels = [HITLLevel(event["hitl_level"]) for event in package.events]
    return levels == sorted(levels)


def _of_this_version(package: Package) -> bool:
    """a decision, and each vote that counts, is on the version in hand"""
    state = package.state
    versions = {vote.version for vote in state.votes} | {state.decision.package_version if state.decision else 0}
    return versions <= {state.version, 0}


def _distinct(package: Package) -> bool:
    """who decided is counted once, and who let it proceed is nobody barred"""
    decision = package.state.decision
    people = [seat.reviewer_id for seat in decision.reviewers] if decision else []
    barred = package.state.barred if package.state.proceeds else {}
    return len(people) == len(set(people)) and not barred.keys() & people


def _enough(package: Package) -> bool:
    """people who let it proceed are as many as its quorum"""
    decision = package.state.decision
    by_people = decision is not None and package.state.proceeds and decision.basis in (Basis.HUMAN, Basis.QUORUM)
    return not by_people or (decision is not None and len(decision.reviewers) >= package.state.terms.quorum)


def _honest(package: Package) -> bool:
    """what time decided reads as nobody's rejection, and what a person rejected names that person"""
    decision, status = package.state.decision, package.state.status
    if decision is not None and decision.basis is Basis.TIMEOUT:
        return status in (Status.EXPIRED, Status.CANCELLED, Status.DEFERRED) and not decision.reviewers
    human = decision is not None and decision.basis is Basis.HUMAN and len(decision.reviewers) == 1
    return human or status is not Status.REJECTED


def _founded(package: Package) -> bool:
    """nothing was let through or claimed without a decision that says on what it rests"""
    acts = package.state.proceeds or package.state.execution.state is not ExecutionState.NONE
    return not acts or package.state.decision is not None


def _told_in_turn(package: Package) -> bool:
    """of its callbacks at most one is due, and none waits for nothing"""
    due = package.callbacks.count("due")
    return due == 1 or (due == 0 and "waiting" not in package.callbacks)


RULES: tuple[Callable[[Package], bool], ...] = (
    _folds,
    _numbered,
    _chained,
    _mirrored,
    _queued,
    _holding,
    _claimed_once,
    _ends,
    _never_milder,
    _of_this_version,
    _distinct,
    _enough,
    _honest,
    _founded,
    _told_in_turn,
)
