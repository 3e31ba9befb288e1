"""The content of an export, as jsonl and as CSV."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from bot.audit.check import ExportCheck
from bot.audit.export import COLUMNS, export_csv
from rules.record.evidence import Counts
from store.audit.reader import EVERYTHING, Selection, snapshot
from tests.bot.audit.exports import OURS, export, export_once, faults
from tests.rules.world import NOW
from tests.store.audit_record import AuditDatabase, tamper, write_record


@pytest.fixture
def record(database_url: str) -> Iterator[AuditDatabase]:
    record = write_record(database_url)
    yield record
    record.engine.dispose()


@pytest.fixture(scope="module")
def export_lines(_sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    return export_once(_sqlite_template, tmp_path_factory.mktemp("exported"))


# ---- jsonl


def test_an_export_verifies_by_itself(record: AuditDatabase) -> None:
    lines = export(record)
    check = ExportCheck(OURS.public)
    assert list(check.faults(lines)) == []
    assert check.counts == Counts(packages=3, events=11, contents=8, tenant_events=2, renderings=3)
    assert (check.distrust, check.part) == (None, None)
    assert check.header == {
        "kind": "countersign-export",
        "version": 3,
        "tenant_id": record.tenant_id,
        "made_at": "2026-11-20T12:00:00Z",
        "filter": None,
    }


def test_the_lines_of_an_export_are_in_order(export_lines: list[bytes]) -> None:
    package = ["event"] * 4 + ["content"] * 3 + ["rendering", "state"]
    kinds = [json.loads(line).get("kind", "event") for line in export_lines]
    assert kinds[:3] == ["countersign-export", "event", "event"]
    assert kinds[3:13] == ["agent", *package]
    assert kinds[-4:] == ["head"] * 3 + ["manifest"]


def test_the_key_that_the_export_names_itself_proves_nothing(export_lines: list[bytes]) -> None:
    check = ExportCheck()
    assert list(check.faults(export_lines)) == []
    assert check.distrust is not None
    assert OURS.public in check.distrust


def test_an_export_names_its_agents(record: AuditDatabase, export_lines: list[bytes]) -> None:
    (agent,) = [json.loads(line) for line in export_lines if b'"kind":"agent"' in line]
    assert (agent["name"], agent["owner"]) == ("clerk", "UOWEN")
    assert {row["agent"] for row in table(record)} == {"clerk"}


def test_a_filtered_export_holds_whole_packages_and_verifies(record: AuditDatabase) -> None:
    lines = export(record, Selection(action_type="mail.send", since=NOW))
    check = ExportCheck(OURS.public)
    assert list(check.faults(lines)) == []
    assert check.counts == Counts(packages=1, events=4, contents=3, tenant_events=2, renderings=1)
    assert check.header["filter"] == {
        "since": "2026-11-20T12:00:00Z",
        "until": None,
        "action_type": "mail.send",
        "reviewer": None,
    }


def test_an_empty_export_verifies(record: AuditDatabase) -> None:
    assert faults(export(record, Selection(reviewer="USOMEBODY"))) == []


def test_faults_in_the_database_are_found_in_its_export(record: AuditDatabase) -> None:
    tamper(record.engine, "UPDATE events SET body = 'gone' WHERE package_id = :id AND revision = 1", id=record.mailed)
    tamper(record.engine, 'UPDATE tenant_events SET body = \'{"kind":"manifest"}\' WHERE sequence = 1')
    tamper(record.engine, "DELETE FROM events WHERE package_id = :id", id=record.rejected)
    tamper(record.engine, "DELETE FROM content WHERE package_id = :id", id=record.rejected)
    tamper(record.engine, "DELETE FROM packages WHERE package_id = :id", id=record.approved)
    found_faults = faults(export(record))
    assert found_faults[0].startswith("tenant revision 1: it has not the form of an event")
    assert f"{record.rejected}: it has a state, and no events: its record is missing" in found_faults
    assert f"{record.approved}: it has a record, and no state: its row is missing" in found_faults
    assert f"{record.mailed} revision 1: it is no event" in found_faults
    assert len(found_faults) == 5  # the fifth: texts without their event


def test_an_export_names_a_package_without_any_rows(record: AuditDatabase) -> None:
    for table in ("packages", "events", "content", "renderings"):
        tamper(record.engine, f"DELETE FROM {table} WHERE package_id = :id", id=record.rejected)
    assert faults(export(record)) == [
        f"{record.rejected}: it is missing: the export lists it with 0 events",
        "export: it holds 2 packages, and its manifest says 3",
    ]


def test_an_export_of_emptied_texts_verifies(record: AuditDatabase) -> None:
    with record.engine.begin() as connection:
        connection.execute(text("UPDATE content SET words = NULL, salt = NULL"))
    assert faults(export(record)) == []


def test_the_check_reports_its_progress(export_lines: list[bytes]) -> None:
    progress: list[int] = []
    assert list(ExportCheck(OURS.public).faults(export_lines, progress.append)) == []
    assert progress[-1] == len(export_lines)


# ---- CSV


def table(record: AuditDatabase, selection: Selection = EVERYTHING) -> list[dict[str, str]]:
    with snapshot(record.engine) as connection:
        return list(csv.DictReader(io.StringIO("".join(export_csv(connection, selection)))))


def test_a_csv_holds_only_the_selected_events(record: AuditDatabase) -> None:
    rows = table(record, Selection(action_type="mail.send"))
    assert [row["event_type"] for row in rows] == [
        "package.submitted",
        "human.commented",
        "human.decision_recorded",
        "package.approved",
    ]
    assert tuple(rows[0]) == COLUMNS
    assert rows[3]["decision"] == "approve"
    assert json.loads(rows[2]["authority"])["reviewer_id"] == "USENTA"
    assert rows[0]["facts"] == ""


def test_a_csv_holds_tenant_events_with_their_facts(record: AuditDatabase) -> None:
    rows = table(record, Selection(reviewer="operator"))
    assert [row["event_type"] for row in rows] == ["agent.added", "agent.paused"]
    assert json.loads(rows[0]["facts"])["owner"] == "UOWEN"


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_a_csv_cell_is_never_a_formula(record: AuditDatabase, start: str) -> None:
    formula = f"{start}cmd|' /C calc'!A0"
    body = json.dumps({"thread_id": formula, "reason": None, "latency_ms": 5, "decision_package_id": "pkg"})
    tamper(
        record.engine,
        "UPDATE events SET body = :body WHERE package_id = :id AND revision = 1",
        body=body,
        id=record.mailed,
    )
    first = table(record, Selection(action_type="mail.send"))[0]
    assert first["thread_id"] == f"'{formula}"
    assert first["latency_ms"] == "5"


def test_a_csv_shows_an_unreadable_row(record: AuditDatabase) -> None:
    tamper(record.engine, "UPDATE events SET body = 'gone' WHERE package_id = :id AND revision = 1", id=record.mailed)
    assert table(record, Selection(action_type="mail.send"))[0]["reason"] == "unreadable: gone"
