"""The file in which the demo keeps its own state."""

from __future__ import annotations

from pathlib import Path

from bot.demo.journal import Journal


def test_entries_after_a_line_that_a_crash_cut_off_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "mails.jsonl"
    path.write_text('{"number": 1}\n{"num')
    journal = Journal(path)
    journal.append({"number": 2})
    journal.close()
    continued = Journal(path)
    assert continued.entries() == [{"number": 1}, {"number": 2}]
    continued.close()
