"""The audit of both databases: an untouched record has no faults, and any tampering is found."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from rules.record.evidence import Counts
from store.audit.reader import (
    EVERYTHING,
    Selection,
    matching_events,
    read_heads,
    read_trails,
    snapshot,
    verify_database,
)
from store.audit.tenant_record import tenant_claim
from store.audit.tolerant_rows import BATCH
from store.engine.engines import transact
from store.installation import tenancy
from tests.rules.world import NOW, SENTA
from tests.store.audit_record import AuditDatabase, tamper, write_record


@pytest.fixture
def record(database_url: str) -> Iterator[AuditDatabase]:
    database = write_record(database_url)
    yield database
    database.engine.dispose()


def faults(record: AuditDatabase, counts: Counts | None = None) -> list[str]:
    with snapshot(record.engine) as connection:
        return [str(fault) for fault in verify_database(connection, counts)]


def only_fault(record: AuditDatabase) -> str:
    (sentence,) = faults(record)
    return sentence


# ---- what commands leave


def test_an_untouched_record_has_no_faults_and_is_counted(record: AuditDatabase) -> None:
    counts = Counts()
    assert faults(record, counts) == []
    assert counts == Counts(packages=3, events=11, contents=8, tenant_events=2, renderings=3)


def test_progress_is_reported_with_its_total(record: AuditDatabase) -> None:
    reports: list[tuple[int, int]] = []
    with snapshot(record.engine) as connection:
        assert list(verify_database(connection, progress=lambda *now: reports.append(now))) == []
    assert reports == [(3, 3)]


def test_a_snapshot_does_not_change_while_others_write(record: AuditDatabase) -> None:
    with snapshot(record.engine) as connection:
        before = tenant_claim(connection)
        transact(record.engine, lambda other: tenancy.set_frozen(other, frozen=True, actor="operator", now=NOW))
        assert tenant_claim(connection) == before
        assert list(verify_database(connection)) == []
    assert faults(record) == []


def test_a_snapshot_writes_nothing_on_postgresql(record: AuditDatabase) -> None:
    with snapshot(record.engine) as connection:
        refuses = connection.dialect.name == "postgresql"
        read_only = connection.exec_driver_sql("SHOW transaction_read_only").scalar() if refuses else "on"
    assert read_only == "on"


def test_more_packages_than_are_fetched_at_once_are_each_seen_once(
    record: AuditDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("store.audit.tolerant_rows.BATCH", 2)
    assert BATCH > 2
    with snapshot(record.engine) as connection:
        seen = [trail.package_id for trail in read_trails(connection, record.tenant_id)]
        listed = [head.package_id for head in read_heads(connection, record.tenant_id)]
    assert sorted(seen) == sorted([record.approved, record.rejected, record.mailed])
    assert listed == seen


# ---- what the database itself refuses

KEY = {"events": "package_id, revision", "tenant_events": "sequence"}


@pytest.mark.parametrize("table", ["events", "tenant_events"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET actor = 'auto'", "DELETE FROM {}"])
def test_the_database_refuses_to_change_or_delete_events(record: AuditDatabase, table: str, statement: str) -> None:
    with pytest.raises(DatabaseError, match=f"{table} is append-only"), record.engine.begin() as connection:
        connection.execute(text(statement.format(table)))
    assert faults(record) == []


@pytest.mark.parametrize("table", ["events", "tenant_events"])
def test_postgresql_refuses_to_truncate_event_tables(record: AuditDatabase, table: str) -> None:
    statement = f"TRUNCATE {table}" if record.engine.dialect.name == "postgresql" else f"DELETE FROM {table}"
    with pytest.raises(DatabaseError, match=f"{table} is append-only"), record.engine.begin() as connection:
        connection.execute(text(statement))


@pytest.mark.parametrize("table", ["events", "tenant_events"])
def test_the_database_refuses_to_replace_an_event(record: AuditDatabase, table: str) -> None:
    replace = f"INSERT OR REPLACE INTO {table} SELECT * FROM {table} LIMIT 1"
    upsert = f"INSERT INTO {table} SELECT * FROM {table} LIMIT 1 ON CONFLICT (tenant_id, {KEY[table]}) DO UPDATE SET actor = 'auto'"
    statement = replace if record.engine.dialect.name == "sqlite" else upsert
    with pytest.raises(DatabaseError, match=f"{table} is append-only"), record.engine.begin() as connection:
        connection.execute(text(statement))
    assert faults(record) == []


def test_emptied_content_causes_no_fault(record: AuditDatabase) -> None:
    with record.engine.begin() as connection:
        connection.execute(text("UPDATE content SET words = NULL, salt = NULL"))
    assert faults(record) == []


# ---- what someone changed in the database directly


def test_a_changed_state_is_found(record: AuditDatabase) -> None:
    change = "UPDATE packages SET state = replace(state, '\"rejected\"', '\"approved\"') WHERE package_id = :id"
    assert tamper(record.engine, change, id=record.rejected) == 1
    disagree, differs = faults(record)
    assert disagree == f"{record.rejected} revision 3: the columns of its row and its state disagree: status"
    assert differs == f"{record.rejected} revision 3: the state that is kept is not what its events come to: status"


FORGERIES: dict[str, tuple[str, str]] = {
    "a changed event": (
        "UPDATE events SET body = replace(body, '\"reject\"', '\"approve\"') WHERE package_id = :rejected AND revision = 3",
        "it was changed: its digest is not that of its content",
    ),
    "a body that is no JSON": (
        "UPDATE events SET body = 'gone' WHERE package_id = :rejected AND revision = 1",
        "it is no event",
    ),
    "a removed event": (
        "DELETE FROM events WHERE package_id = :rejected AND revision = 2",
        "revision 2 is missing before it",
    ),
    "a cut tail": (
        "DELETE FROM events WHERE package_id = :rejected AND revision = 3",
        "its tail was cut: revision 3 should follow",
    ),
    "a missing record": (
        "DELETE FROM events WHERE package_id = :rejected",
        "it has a state, and no events: its record is missing",
    ),
    "a missing package": (
        "DELETE FROM packages WHERE package_id = :rejected",
        "it has a record, and no state: its row is missing",
    ),
    "a package of which nothing is left but that it had a version": (
        "; ".join(f"DELETE FROM {table} WHERE package_id = :rejected" for table in ("packages", "events", "content")),
        "it has a record, and no state: its row is missing",
    ),
    "another time of decision in the row": (
        "UPDATE packages SET decided_at = NULL WHERE package_id = :rejected",
        "the columns of its row and its state disagree: decided_at",
    ),
    "another beginning in the row": (
        "UPDATE packages SET created_at = '2020-01-01 00:00:00.000000' WHERE package_id = :rejected",
        "the columns of its row and its state disagree: created_at",
    ),
    "a second look in the row": (
        "UPDATE packages SET sampled = TRUE, verdict = 'sound' WHERE package_id = :rejected",
        "the columns of its row and its state disagree: sampled, verdict",
    ),
    "another head": (
        "UPDATE packages SET head = 'sha256:0' WHERE package_id = :rejected",
        "its last event is not the one that is named as its head",
    ),
    "changed words": (
        "UPDATE content SET words = '{\"comment\":\"yes\"}' WHERE package_id = :rejected AND words LIKE '%comment%'",
        "its words were changed: they do not match its digest",
    ),
    "words that are no JSON": (
        "UPDATE content SET words = '{' WHERE package_id = :rejected AND words LIKE '%comment%'",
        "its words were changed: they do not match its digest",
    ),
    "a salt that was left": (
        "UPDATE content SET words = NULL WHERE package_id = :rejected",
        "its words were emptied but not their salt, so they can be guessed",
    ),
    "removed words": (
        "DELETE FROM content WHERE package_id = :rejected",
        "the row of its words is missing: retention empties such rows and never deletes them",
    ),
    "words of another package": (
        "UPDATE content SET package_id = :approved WHERE package_id = :rejected",
        "words are stored for it, but it has none",
    ),
    "another actor in the column": (
        "UPDATE events SET actor = 'auto' WHERE package_id = :rejected AND revision = 2",
        "the columns of its row and the event disagree: actor",
    ),
    "another event id in the column": (
        "UPDATE events SET event_id = 'evt_x' WHERE package_id = :rejected AND revision = 2",
        "the columns of its row and the event disagree: event_id",
    ),
    "another revision in the column": (
        "UPDATE events SET revision = 7 WHERE package_id = :rejected AND revision = 3",
        "the columns of its row and the event disagree: revision",
    ),
    "an event that was moved to another package": (
        "UPDATE events SET package_id = :approved, revision = 5 WHERE package_id = :rejected AND revision = 3",
        "it belongs to another chain, {rejected}",
    ),
    "an event of another tenant": (
        "UPDATE events SET tenant_id = 'T2' WHERE package_id = :rejected AND revision = 3",
        "a row of events belongs to another tenant, T2",
    ),
    "a changed event of the tenant": (
        "UPDATE tenant_events SET body = replace(body, 'agent.paused', 'agent.active') WHERE sequence = 2",
        "it was changed: its digest is not that of its content",
    ),
    "a cut tail of the tenant": (
        "DELETE FROM tenant_events WHERE sequence = 2",
        "its tail was cut: revision 2 should follow",
    ),
    "another length of the tenant's chain": (
        "UPDATE installation SET length = 1",
        "it goes on after revision 1, which should be its last",
    ),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_tampering_is_found(record: AuditDatabase, forgery: str) -> None:
    statement, sentence = FORGERIES[forgery]
    names = {name: value for name, value in record._asdict().items() if f":{name}" in statement}
    assert all(tamper(record.engine, forging, **names) > 0 for forging in statement.split("; "))
    assert any(fault.endswith(f": {sentence.format(**record._asdict())}") for fault in faults(record))


def test_a_differing_time_in_the_column_is_found(record: AuditDatabase) -> None:
    earlier = "UPDATE events SET occurred_at = '2020-01-01 00:00:00+00:00' WHERE package_id = :id AND revision = 1"
    tamper(
        record.engine,
        earlier if record.engine.dialect.name == "postgresql" else earlier.replace("+00:00", ".000000"),
        id=record.mailed,
    )
    assert only_fault(record).endswith("the columns of its row and the event disagree: occurred_at")


# ---- what can be asked for


ALL = ("approved", "rejected", "mailed")
CHOICES: dict[str, tuple[Selection, tuple[str, ...], int]] = {
    "everything": (EVERYTHING, ALL, 13),
    "an action type": (Selection(action_type="mail.send"), ("mailed",), 4),
    "a reviewer": (Selection(reviewer=SENTA), ALL, 8),
    "both": (Selection(reviewer=SENTA, action_type="mail.send"), ("mailed",), 3),
    "since a moment": (Selection(since=NOW), ALL, 13),
    "until a moment": (Selection(until=NOW + timedelta(seconds=1)), ALL, 13),
    "no time at all": (Selection(since=NOW, until=NOW), (), 0),
    "a reviewer who did nothing": (Selection(reviewer="USOMEBODY"), (), 0),
    "who works on no package": (Selection(reviewer="operator"), (), 2),
}


@pytest.mark.parametrize("choice", CHOICES)
def test_a_selection_returns_complete_packages_and_single_events(record: AuditDatabase, choice: str) -> None:
    selection, packages, events = CHOICES[choice]
    with snapshot(record.engine) as connection:
        whole = list(read_trails(connection, record.tenant_id, selection))
        events_found = list(matching_events(connection, record.tenant_id, selection))
    assert {trail.package_id for trail in whole} == {getattr(record, name) for name in packages}
    assert [trail for trail in whole if trail.events[0]["revision"] != 1 or trail.claim is None] == []
    assert len(events_found) == events


def test_selected_events_come_oldest_first(record: AuditDatabase) -> None:
    later = NOW + timedelta(hours=1)
    transact(record.engine, lambda connection: tenancy.set_frozen(connection, frozen=True, actor="operator", now=later))
    with snapshot(record.engine) as connection:
        events_found: list[Any] = [event for _, event in matching_events(connection, record.tenant_id, EVERYTHING)]
    assert events_found[-1]["event_type"] == "tenant.frozen"
    assert [event["occurred_at"] for event in events_found] == sorted(event["occurred_at"] for event in events_found)
