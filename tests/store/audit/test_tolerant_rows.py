"""A record with invalid values: SQLite accepts them, and the audit still reads everything."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from store.audit.reader import EVERYTHING, matching_events, snapshot, verify_database
from store.migrations.migrate import migrate
from tests.rules.world import NOW
from tests.store.audit_record import AuditDatabase, tamper, write_record


@pytest.fixture
def record(tmp_path: Path) -> Iterator[AuditDatabase]:
    url = f"sqlite:///{tmp_path / 'its.db'}"
    migrate(url, NOW)
    database = write_record(url)
    yield database
    database.engine.dispose()


def sqlite_faults(record: AuditDatabase) -> list[str]:
    with snapshot(record.engine) as connection:
        return [str(fault) for fault in verify_database(connection)]


TIMES = ["'garbage'", "12345", "-1.5", "x'ff00'", "'2026-13-45 99:99'"]


@pytest.mark.parametrize("time", TIMES)
def test_an_invalid_time_of_an_event_is_reported(record: AuditDatabase, time: str) -> None:
    tamper(
        record.engine,
        f"UPDATE events SET occurred_at = {time} WHERE package_id = :id AND revision = 2",
        id=record.mailed,
    )
    (fault,) = sqlite_faults(record)
    assert fault.startswith(f"{record.mailed} revision 2 (evt_")
    assert fault.endswith("the columns of its row and the event disagree: occurred_at")


@pytest.mark.parametrize("time", TIMES)
@pytest.mark.parametrize("column", ["created_at", "updated_at", "decided_at"])
def test_an_invalid_time_of_a_package_is_reported(record: AuditDatabase, column: str, time: str) -> None:
    tamper(record.engine, f"UPDATE packages SET {column} = {time} WHERE package_id = :id", id=record.mailed)
    assert sqlite_faults(record) == [
        f"{record.mailed} revision 4: the columns of its row and its state disagree: {column}"
    ]


def test_invalid_times_outside_of_the_record_do_not_stop_the_audit(record: AuditDatabase) -> None:
    tamper(record.engine, "UPDATE packages SET due_at = 'garbage'")
    tamper(record.engine, "UPDATE content SET created_at = 'garbage'")
    assert sqlite_faults(record) == []


def test_an_invalid_chain_length_is_found(record: AuditDatabase) -> None:
    tamper(record.engine, "UPDATE packages SET revision = 'many' WHERE package_id = :id", id=record.mailed)
    tamper(record.engine, "UPDATE installation SET length = 'many'")
    tenant, columns, end = sqlite_faults(record)
    assert tenant == "tenant revision 2: it goes on after revision -1, which should be its last"
    assert columns == f"{record.mailed} revision -1: the columns of its row and its state disagree: revision"
    assert end == f"{record.mailed} revision 4: it goes on after revision -1, which should be its last"


def test_events_with_an_invalid_time_are_exported_with_the_others(record: AuditDatabase) -> None:
    tamper(record.engine, "UPDATE events SET occurred_at = 'garbage' WHERE package_id = :id", id=record.mailed)
    with snapshot(record.engine) as connection:
        assert len(list(matching_events(connection, record.tenant_id, EVERYTHING))) == 13
