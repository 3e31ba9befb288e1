"""`countersign report` writes one page about a month."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bot.terminal import Terminal, make_terminal

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def terminal(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Terminal:
    monkeypatch.chdir(tmp_path)
    return make_terminal(tmp_path, database_url, monkeypatch, capsys)


def test_the_page_is_a_file_named_after_the_month(terminal: Terminal, tmp_path: Path) -> None:
    result = terminal("report", "--month", "2026-11")
    assert (result.code, result.out) == (0, "the report is in countersign-report-2026-11.html\n")
    assert (
        "<h1>Human control of agents, November 2026</h1>" in (tmp_path / "countersign-report-2026-11.html").read_text()
    )


def test_the_page_can_have_another_name_or_go_to_stdout(terminal: Terminal, tmp_path: Path) -> None:
    assert terminal("report", "--month", "2026-10", "--out", "board.html").out == "the report is in board.html\n"
    assert terminal("report", "--month", "2026-10", "--out", "-").out == (tmp_path / "board.html").read_text()


def test_a_month_without_reviews_says_so(terminal: Terminal) -> None:
    assert "No review ended in this time." in terminal("report", "--month", "2025-01", "--out", "-").out


@pytest.mark.parametrize(
    ("month", "sentence"),
    [
        ("2026-13", "write a month such as 2026-11"),
        ("november", "write a month such as 2026-11"),
        ("2027-01", "this month has not begun"),
    ],
)
def test_a_month_that_cannot_be_reported_is_refused(terminal: Terminal, month: str, sentence: str) -> None:
    result = terminal("report", "--month", month)
    assert (result.code, sentence in result.err) == (2, True)
