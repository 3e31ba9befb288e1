"""A policy is put in force from the command line, once it was shown what that changes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bot.terminal import POLICY, Terminal, at

STRICT = POLICY.replace("test-1", "test-2") + "[tiers.high]\nquorum = 2\n"


@pytest.fixture
def terminal(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Terminal:
    its = at(tmp_path, database_url, monkeypatch, capsys)
    assert its("policy", "apply", "policy.toml", "--yes").code == 0
    return its


def test_a_policy_that_is_applied_is_shown_as_the_one_in_force(terminal: Terminal) -> None:
    said = terminal("policy", "apply", terminal.file("strict.toml", STRICT), "--yes")
    assert (said.code, said.err) == (0, "")
    assert any(line.startswith("+") and "2 people" in line for line in said.out.splitlines()), said.out
    assert "test-2" in terminal("policy", "show").out


def test_a_policy_that_was_replaced_takes_again(terminal: Terminal) -> None:
    terminal("policy", "apply", terminal.file("strict.toml", STRICT), "--yes")
    refused = terminal("policy", "apply", "policy.toml", "--yes")
    assert (refused.code, "add --again" in refused.err) == (1, True)
    assert "test-2" in terminal("policy", "show").out
    assert terminal("policy", "apply", "policy.toml", "--again", "--yes").code == 0
    assert "test-1" in terminal("policy", "show").out


def test_without_a_terminal_it_says_how_to_apply_without_being_asked(terminal: Terminal) -> None:
    said = terminal("policy", "apply", terminal.file("strict.toml", STRICT))
    assert (said.code, "add --yes" in said.err) == (1, True)
    assert "test-1" in terminal("policy", "show").out
