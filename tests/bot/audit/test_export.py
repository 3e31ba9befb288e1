"""What an export holds, as jsonl and as a table."""

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
from tests.bot.audit.exported import OURS, export, export_once, faults
from tests.rules.world import NOW
from tests.store.recorded import Recorded, forge, recorded


@pytest.fixture
def its(database_url: str) -> Iterator[Recorded]:
    made = recorded(database_url)
    yield made
    made.engine.dispose()


@pytest.fixture(scope="module")
def exported(_sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    return export_once(_sqlite_template, tmp_path_factory.mktemp("exported"))


# ---- what is exported


def test_an_export_is_clean_by_itself(its: Recorded) -> None:
    lines = export(its)
    check = ExportCheck(OURS.public)
    assert list(check.faults(lines)) == []
    assert check.counts == Counts(packages=3, events=11, contents=8, tenant_events=2)
    assert (check.distrust, check.part) == (None, None)
    assert check.header == {
        "kind": "countersign-export",
        "version": 2,
        "tenant_id": its.tenant_id,
        "made_at": "2026-11-20T12:00:00Z",
        "filter": None,
    }


def test_the_lines_come_in_their_order(exported: list[bytes]) -> None:
    package = ["event"] * 4 + ["content"] * 3 + ["state"]
    kinds = [json.loads(line).get("kind", "event") for line in exported]
    assert kinds[:3] == ["countersign-export", "event", "event"]
    assert kinds[3:12] == ["agent", *package]
    assert kinds[-4:] == ["head"] * 3 + ["manifest"]


def test_the_key_that_the_export_names_itself_proves_nothing(exported: list[bytes]) -> None:
    check = ExportCheck()
    assert list(check.faults(exported)) == []
    assert check.distrust is not None
    assert OURS.public in check.distrust


def test_an_export_names_its_agents(its: Recorded, exported: list[bytes]) -> None:
    (agent,) = [json.loads(line) for line in exported if b'"kind":"agent"' in line]
    assert (agent["name"], agent["owner"]) == ("clerk", "UOWEN")
    assert {row["agent"] for row in table(its)} == {"clerk"}


def test_a_filtered_export_holds_whole_packages_and_is_clean(its: Recorded) -> None:
    lines = export(its, Selection(action_type="mail.send", since=NOW))
    check = ExportCheck(OURS.public)
    assert list(check.faults(lines)) == []
    assert check.counts == Counts(packages=1, events=4, contents=3, tenant_events=2)
    assert check.header["filter"] == {
        "since": "2026-11-20T12:00:00Z",
        "until": None,
        "action_type": "mail.send",
        "reviewer": None,
    }


def test_an_export_of_nothing_is_clean(its: Recorded) -> None:
    assert faults(export(its, Selection(reviewer="USOMEBODY"))) == []


def test_what_was_wrong_in_the_database_is_found_in_its_export(its: Recorded) -> None:
    forge(its.engine, "UPDATE events SET body = 'gone' WHERE package_id = :id AND revision = 1", id=its.mailed)
    forge(its.engine, 'UPDATE tenant_events SET body = \'{"kind":"manifest"}\' WHERE sequence = 1')
    forge(its.engine, "DELETE FROM events WHERE package_id = :id", id=its.rejected)
    forge(its.engine, "DELETE FROM content WHERE package_id = :id", id=its.rejected)
    forge(its.engine, "DELETE FROM packages WHERE package_id = :id", id=its.approved)
    found = faults(export(its))
    assert found[0].startswith("tenant revision 1: it has not the form of an event")
    assert f"{its.rejected}: it has a state, and no events: its record is missing" in found
    assert f"{its.approved}: it has a record, and no state: its row is missing" in found
    assert f"{its.mailed} revision 1: it is no event" in found
    assert len(found) == 5  # and the words beside the event that is gone


def test_a_package_of_which_all_is_gone_is_named_by_its_export(its: Recorded) -> None:
    for table in ("packages", "events", "content"):
        forge(its.engine, f"DELETE FROM {table} WHERE package_id = :id", id=its.rejected)
    assert faults(export(its)) == [
        f"{its.rejected}: it is missing: the export lists it with 0 events",
        "export: it holds 2 packages, and its manifest says 3",
    ]


def test_an_export_of_emptied_words_is_clean(its: Recorded) -> None:
    with its.engine.begin() as connection:
        connection.execute(text("UPDATE content SET words = NULL, salt = NULL"))
    assert faults(export(its)) == []


def test_progress_is_told(exported: list[bytes]) -> None:
    told: list[int] = []
    assert list(ExportCheck(OURS.public).faults(exported, told.append)) == []
    assert told[-1] == len(exported)


# ---- as a table


def table(its: Recorded, selection: Selection = EVERYTHING) -> list[dict[str, str]]:
    with snapshot(its.engine) as connection:
        return list(csv.DictReader(io.StringIO("".join(export_csv(connection, selection)))))


def test_a_csv_holds_the_selected_events_alone(its: Recorded) -> None:
    rows = table(its, Selection(action_type="mail.send"))
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


def test_a_csv_tells_what_happened_to_no_package(its: Recorded) -> None:
    rows = table(its, Selection(reviewer="operator"))
    assert [row["event_type"] for row in rows] == ["agent.added", "agent.paused"]
    assert json.loads(rows[0]["facts"])["owner"] == "UOWEN"


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_a_spreadsheet_runs_no_formula_of_an_agent(its: Recorded, start: str) -> None:
    formula = f"{start}cmd|' /C calc'!A0"
    body = json.dumps({"thread_id": formula, "reason": None, "latency_ms": 5, "decision_package_id": "pkg"})
    forge(
        its.engine, "UPDATE events SET body = :body WHERE package_id = :id AND revision = 1", body=body, id=its.mailed
    )
    first = table(its, Selection(action_type="mail.send"))[0]
    assert first["thread_id"] == f"'{formula}"
    assert first["latency_ms"] == "5"


def test_a_row_that_cannot_be_read_is_shown_as_such(its: Recorded) -> None:
    forge(its.engine, "UPDATE events SET body = 'gone' WHERE package_id = :id AND revision = 1", id=its.mailed)
    assert table(its, Selection(action_type="mail.send"))[0]["reason"] == "unreadable: gone"
