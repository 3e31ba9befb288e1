"""The record is proven and handed out from a terminal, and what does not fit ends with exit code 1."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.cli import audit
from tests.bot.exported import OURS, THEIRS
from tests.bot.terminal import Terminal, at
from tests.rules.world import RITA, SENTA
from tests.store.recorded import Recorded, forge, recorded

KEY = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="  # that of OURS


@pytest.fixture
def its(database_url: str) -> Iterator[Recorded]:
    made = recorded(database_url)
    yield made
    made.engine.dispose()


@pytest.fixture
def terminal(
    its: Recorded,
    database_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Terminal:
    terminal = at(tmp_path, database_url, monkeypatch, capsys)
    monkeypatch.setenv("COUNTERSIGN_KEY", KEY)
    return terminal


def exported(terminal: Terminal, name: str = "trail.jsonl") -> str:
    said = terminal("audit", "export", "--out", name)
    assert (said.code, said.out, said.err) == (0, "", "")
    return name


# ---- the database


def test_a_sound_record_is_said_to_be_sound(terminal: Terminal) -> None:
    said = terminal("audit", "verify")
    assert (said.code, said.err) == (0, "")
    assert said.out == "sound: 3 packages, 13 events, words beside 8 of them\n"


def test_the_first_line_names_the_first_bad_row(terminal: Terminal, its: Recorded) -> None:
    forge(its.engine, "UPDATE packages SET status = 'rejected' WHERE package_id = :id", id=its.approved)
    said = terminal("audit", "verify")
    assert (said.code, said.out) == (1, "")
    assert said.err.splitlines()[0].startswith(its.approved)


def test_of_many_faults_the_first_are_named_and_all_are_counted(
    terminal: Terminal, its: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "SHOWN", 2)
    forge(its.engine, "UPDATE packages SET status = 'pending'")
    lines = terminal("audit", "verify").err.splitlines()
    assert (len(lines), lines[2]) == (3, "... and 1 more")


# ---- an export


def test_an_export_is_proven_with_no_database_and_no_settings(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = exported(terminal)
    for setting in ("DATABASE_URL", "KEY"):
        monkeypatch.setenv(f"COUNTERSIGN_{setting}", "wrong")
    said = terminal("audit", "verify", name, "--public-key", OURS.public)
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith("sound: 3 packages, 13 events")


def test_an_export_that_was_changed_is_found_out(terminal: Terminal) -> None:
    path = terminal.folder / exported(terminal)
    path.write_text(path.read_text().replace('"decision":"reject"', '"decision":"approve"', 1))
    said = terminal("audit", "verify", str(path))
    assert (said.code, said.out) == (1, "")
    assert "it was changed" in said.err.splitlines()[0]


def test_an_export_has_to_be_signed_by_this_installation_or_by_who_was_named(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = exported(terminal)
    assert terminal("audit", "verify", name).code == 0
    other = terminal("audit", "verify", name, "--public-key", THEIRS.public)
    assert (other.code, "signed by another key" in other.err) == (1, True)
    nonsense = terminal("audit", "verify", name, "--public-key", "x")
    assert nonsense.line == "countersign: a public key is the base64 of its 32 bytes, or a PEM"


def test_where_no_key_is_known_it_says_what_was_not_proven(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    name = exported(terminal)
    monkeypatch.delenv("COUNTERSIGN_KEY")
    monkeypatch.setenv("COUNTERSIGN_DATABASE_URL", "sqlite:///nowhere.db")
    said = terminal("audit", "verify", name)
    assert (said.code, said.err.startswith("note: the export is signed by the key that it names itself")) == (0, True)


def test_an_export_goes_to_stdout_unless_a_file_is_named(terminal: Terminal) -> None:
    said = terminal("audit", "export")
    lines = [json.loads(line) for line in said.out.splitlines()]
    assert (lines[0]["kind"], lines[-1]["kind"]) == ("countersign-export", "manifest")
    assert lines[0]["made_at"] == "2026-11-20T12:00:00Z"


def test_a_file_is_there_whole_or_not_at_all(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COUNTERSIGN_KEY", "no key")
    said = terminal("audit", "export", "--out", "trail.jsonl")
    assert (said.code, said.line.startswith("countersign: COUNTERSIGN_KEY: ")) == (1, True)
    assert sorted(path.name for path in terminal.folder.glob("*.jsonl*")) == []


def test_a_filter_selects_events_for_a_table(terminal: Terminal) -> None:
    rows = terminal("audit", "export", "--format", "csv", "--reviewer", SENTA, "--action-type", "mail.send").out
    assert [row.split(",")[1] for row in rows.splitlines()[1:]] == [
        "human.commented",
        "human.decision_recorded",
        "package.approved",
    ]
    assert len(terminal("audit", "export", "--format", "csv", "--reviewer", RITA).out.splitlines()) == 1
    assert len(terminal("audit", "export", "--format", "csv", "--since", "2026-11-21").out.splitlines()) == 1
    assert (
        len(terminal("audit", "export", "--format", "csv", "--until", "2026-11-20T14:00+01:00").out.splitlines()) == 14
    )


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (("--since", "yesterday"), "write a time such as 2026-11-20"),
        (("--since", "2026-11-21", "--until", "2026-11-20"), "must come before --until"),
        (("--format", "xml"), "jsonl"),
    ],
    ids=["time", "order", "format"],
)
def test_a_wrong_filter_is_said_to_be_wrong(terminal: Terminal, arguments: tuple[str, ...], what: str) -> None:
    said = terminal("audit", "export", *arguments)
    assert (said.code, what in said.line) == (2, True)


def test_progress_is_told_to_who_looks_on_and_wiped_at_the_end(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Screen(io.StringIO):
        def isatty(self) -> bool:
            return True

    screen = Screen()
    monkeypatch.setattr(audit, "PAUSE", -1)
    monkeypatch.setattr(sys, "stderr", screen)
    assert terminal("audit", "verify").code == 0
    assert screen.getvalue() == "\r3 of 3 packages\r\x1b[K"
