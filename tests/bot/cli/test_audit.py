"""`countersign audit`: the record is verified and exported, and faults end with exit code 1."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from bot.cli import audit
from bot.cli.common import output
from rules.record.chain import seal_event
from tests.bot.audit.exports import OURS, THEIRS, pem, resign
from tests.bot.terminal import Terminal, make_terminal
from tests.rules.world import RITA, SENTA
from tests.store.audit_record import AuditDatabase, tamper, write_record

KEY = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="  # that of OURS


@pytest.fixture
def record(database_url: str) -> Iterator[AuditDatabase]:
    record = write_record(database_url)
    yield record
    record.engine.dispose()


@pytest.fixture
def terminal(
    record: AuditDatabase,
    database_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Terminal:
    terminal = make_terminal(tmp_path, database_url, monkeypatch, capsys)
    monkeypatch.setenv("COUNTERSIGN_KEY", KEY)
    return terminal


def export_to(terminal: Terminal, name: str = "trail.jsonl") -> str:
    result = terminal("audit", "export", "--out", name)
    assert (result.code, result.out, result.err) == (0, "", "")
    return name


# ---- the database


def test_an_intact_record_is_verified(terminal: Terminal) -> None:
    result = terminal("audit", "verify")
    assert (result.code, result.err) == (0, "")
    assert result.out == "OK: 3 packages, 13 events, 3 renderings, 0 policies\n"


def test_the_first_line_names_the_first_fault(terminal: Terminal, record: AuditDatabase) -> None:
    tamper(record.engine, "UPDATE packages SET status = 'rejected' WHERE package_id = :id", id=record.approved)
    result = terminal("audit", "verify")
    assert (result.code, result.out) == (1, "")
    assert result.err.splitlines()[0].startswith(record.approved)


def test_the_first_faults_are_printed_and_the_rest_counted(
    terminal: Terminal, record: AuditDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "MAX_FAULTS", 2)
    tamper(record.engine, "UPDATE packages SET status = 'pending'")
    lines = terminal("audit", "verify").err.splitlines()
    assert (len(lines), lines[2]) == (3, "... and 1 more")


# ---- an export


def test_an_export_is_verified_without_a_database_and_settings(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = export_to(terminal)
    for setting in ("DATABASE_URL", "KEY"):
        monkeypatch.setenv(f"COUNTERSIGN_{setting}", "wrong")
    result = terminal("audit", "verify", name, "--public-key", OURS.public)
    assert (result.code, result.err) == (0, "")
    assert result.out.startswith("OK: 3 packages, 13 events")


def test_a_changed_export_fails_verification(terminal: Terminal) -> None:
    path = terminal.folder / export_to(terminal)
    path.write_text(path.read_text().replace('"decision":"reject"', '"decision":"approve"', 1))
    result = terminal("audit", "verify", str(path))
    assert (result.code, result.out) == (1, "")
    assert "it was changed" in result.err.splitlines()[0]


def test_an_export_must_be_signed_by_this_installation_or_the_pinned_key(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = export_to(terminal)
    assert terminal("audit", "verify", name).code == 0
    other = terminal("audit", "verify", name, "--public-key", THEIRS.public)
    assert (other.code, other.out) == (2, "")
    assert other.err.startswith("not verified: the export is signed by another key than the pinned one")
    nonsense = terminal("audit", "verify", name, "--public-key", "x")
    assert nonsense.line == "countersign: a public key is the base64 of its 32 bytes, or a PEM"


def test_an_export_is_not_verified_without_a_pinned_key(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    name = export_to(terminal)
    monkeypatch.delenv("COUNTERSIGN_KEY")
    monkeypatch.setenv("COUNTERSIGN_DATABASE_URL", "sqlite:///nowhere.db")
    result = terminal("audit", "verify", name)
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith("not verified: no key is pinned: the export names its own key")


def test_a_forged_export_cannot_print_a_line_of_its_own(terminal: Terminal) -> None:
    path = terminal.folder / export_to(terminal)
    forged_key = pem(THEIRS) + "\nOK: 3 packages\x1b[8m"
    path.write_bytes(b"".join(resign(path.read_bytes().splitlines(keepends=True), THEIRS, public_key=forged_key)))
    result = terminal("audit", "verify", "trail.jsonl")
    assert (result.code, result.line.startswith("not verified: "), "\x1b" in result.err) == (2, True, False)


def test_verifying_a_filtered_export_says_that_it_is_a_part(terminal: Terminal) -> None:
    assert terminal("audit", "export", "--action-type", "mail.send", "--out", "part.jsonl").code == 0
    result = terminal("audit", "verify", "part.jsonl")
    assert (result.code, result.err) == (0, "")
    assert result.out.startswith("OK: 1 packages, 6 events")
    assert result.out.endswith(" in a part of the log (action_type mail.send)\n")


# ---- an earlier export


def test_a_record_that_grew_continues_its_earlier_export(terminal: Terminal) -> None:
    old = export_to(terminal, "old.jsonl")
    assert terminal("freeze").code == 0
    new = export_to(terminal, "new.jsonl")
    for looked_at in ((), (new,)):
        result = terminal("audit", "verify", *looked_at, "--against", old)
        assert (result.code, result.err) == (0, "")
        assert result.out.startswith("OK: 3 packages, 14 events")
    cut = terminal("audit", "verify", old, "--against", new)
    assert (cut.code, cut.line) == (1, "tenant: it was cut: the earlier export has it up to revision 3")


def test_an_earlier_export_reveals_a_deleted_package(terminal: Terminal, record: AuditDatabase) -> None:
    old = export_to(terminal, "old.jsonl")
    for table in ("packages", "events", "content", "versions", "renderings", "outcomes"):
        tamper(record.engine, f"DELETE FROM {table} WHERE package_id = :id", id=record.rejected)
    assert terminal("audit", "verify").code == 0  # without an earlier export, a package without any rows is not missed
    result = terminal("audit", "verify", "--against", old)
    assert (result.code, result.line) == (
        1,
        f"{record.rejected}: it was deleted: the earlier export has it with 3 events",
    )
    later = terminal("audit", "verify", export_to(terminal, "new.jsonl"), "--against", old)
    assert (later.code, later.line) == (result.code, result.line)


def test_an_earlier_export_reveals_a_chain_rewritten_with_another_approver(
    terminal: Terminal, record: AuditDatabase
) -> None:
    old = export_to(terminal, "old.jsonl")
    rewritten(record, record.approved, SENTA, RITA)
    assert (
        terminal("audit", "verify").code == 0
    )  # the chain is consistent again, as an owner of the database can make it
    result = terminal("audit", "verify", "--against", old)
    what = f"{record.approved} revision 4: it was rewritten: up to revision 4 it is not what the earlier export has"
    assert (result.code, result.line) == (1, what)


def test_an_earlier_export_must_be_intact_signed_and_complete(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = terminal.folder / export_to(terminal, "old.jsonl")
    assert terminal("audit", "export", "--action-type", "mail.send", "--out", "part.jsonl").code == 0
    part = terminal("audit", "verify", "part.jsonl", "--against", "old.jsonl")
    assert (part.code, part.line.startswith("not verified: this export is a part of the log")) == (2, True)
    assert terminal("audit", "verify", "--against", "old.jsonl", "--public-key", THEIRS.public).code == 2
    path.write_text(path.read_text().replace('"decision":"reject"', '"decision":"approve"', 1))
    changed = terminal("audit", "verify", "--against", "old.jsonl")
    assert (changed.code, changed.out, "old.jsonl: " in changed.err.splitlines()[0]) == (1, "", True)


def rewritten(record: AuditDatabase, package_id: str, was: str, now: str) -> None:
    """Replace a name everywhere and recompute the chain, as an owner of the database can."""
    with record.engine.connect() as connection:
        rows = connection.execute(
            text("SELECT revision, body FROM events WHERE package_id = :id ORDER BY revision"), {"id": package_id}
        ).all()
        (state,) = connection.execute(
            text("SELECT state FROM packages WHERE package_id = :id"), {"id": package_id}
        ).one()
    head = None
    for revision, body in rows:
        event = {name: value for name, value in json.loads(body.replace(was, now)).items() if name != "digest"}
        event = seal_event(event, head)
        head, values = event["digest"], {"id": package_id, "revision": revision}
        change = "UPDATE events SET body = :body, actor = :actor WHERE package_id = :id AND revision = :revision"
        tamper(record.engine, change, body=json.dumps(event), actor=event["actor"], **values)
    change = "UPDATE packages SET head = :head, state = :state WHERE package_id = :id"
    tamper(record.engine, change, head=head, state=state.replace(was, now), id=package_id)


def test_an_export_goes_to_stdout_unless_a_file_is_named(terminal: Terminal) -> None:
    result = terminal("audit", "export")
    lines = [json.loads(line) for line in result.out.splitlines()]
    assert (lines[0]["kind"], lines[-1]["kind"]) == ("countersign-export", "manifest")
    assert lines[0]["made_at"] == "2026-11-20T12:00:00Z"


def test_a_failed_export_leaves_no_file(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COUNTERSIGN_KEY", "no key")
    result = terminal("audit", "export", "--out", "trail.jsonl")
    assert (result.code, result.line.startswith("countersign: COUNTERSIGN_KEY: ")) == (1, True)
    assert sorted(path.name for path in terminal.folder.glob("*.jsonl*")) == []


def test_a_filter_selects_the_events_of_a_csv(terminal: Terminal) -> None:
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
def test_an_invalid_filter_is_reported(terminal: Terminal, arguments: tuple[str, ...], what: str) -> None:
    result = terminal("audit", "export", *arguments)
    assert (result.code, what in result.line) == (2, True)


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def attach_screen(monkeypatch: pytest.MonkeyPatch) -> Screen:
    screen = Screen()
    monkeypatch.setattr(output, "PROGRESS_INTERVAL", -1)
    monkeypatch.setattr(sys, "stderr", screen)
    return screen


def test_progress_is_shown_on_a_terminal_and_cleared_at_the_end(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    screen = attach_screen(monkeypatch)
    assert terminal("audit", "verify").code == 0
    assert screen.getvalue() == "\r3 of 3 packages\r\x1b[K"


def test_progress_is_cleared_before_the_error_of_a_command_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail_after_a_while() -> None:
        with output.progress_of("packages") as tell:
            tell(1, 3)
            raise RuntimeError

    screen = attach_screen(monkeypatch)
    with pytest.raises(RuntimeError):
        fail_after_a_while()
    assert screen.getvalue() == "\r1 of 3 packages\r\x1b[K"
