"""`countersign policy apply` puts a policy in force."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rules.record.chain import rfc3339
from tests.bot.terminal import POLICY, Terminal, make_terminal
from tests.rules.world import HARD, HOUR, NOW, OWEN

STRICT = POLICY.replace("test-1", "test-2") + "[tiers.high]\nquorum = 2\n"


@pytest.fixture
def terminal(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Terminal:
    terminal = make_terminal(tmp_path, database_url, monkeypatch, capsys)
    assert terminal("policy", "apply", "policy.toml", "--yes").code == 0
    return terminal


def test_an_applied_policy_is_shown_as_the_one_in_force(terminal: Terminal) -> None:
    result = terminal("policy", "apply", terminal.file("strict.toml", STRICT), "--yes")
    assert (result.code, result.err) == (0, "")
    assert any(line.startswith("+") and "2 people" in line for line in result.out.splitlines()), result.out
    assert "test-2" in terminal("policy", "show").out


def test_a_replaced_policy_needs_again_to_be_applied(terminal: Terminal) -> None:
    terminal("policy", "apply", terminal.file("strict.toml", STRICT), "--yes")
    refused = terminal("policy", "apply", "policy.toml", "--yes")
    assert (refused.code, "add --again" in refused.err) == (1, True)
    assert "test-2" in terminal("policy", "show").out
    assert terminal("policy", "apply", "policy.toml", "--again", "--yes").code == 0
    assert "test-1" in terminal("policy", "show").out


def test_apply_without_a_terminal_requires_yes(terminal: Terminal) -> None:
    result = terminal("policy", "apply", terminal.file("strict.toml", STRICT))
    assert (result.code, "add --yes" in result.err) == (1, True)
    assert "test-1" in terminal("policy", "show").out


def test_a_draft_is_explained_by_the_policy_in_force_and_not_by_the_file(terminal: Terminal) -> None:
    terminal("policy", "apply", terminal.file("strict.toml", STRICT), "--yes")
    draft = terminal.file("draft.json", HARD.model_dump_json(exclude_unset=True))
    explanation = json.loads(terminal("policy", "explain", draft, "--json").out)
    assert (explanation["policy_version"].partition("+")[0], explanation["policy_source"]) == ("test-2", "in force")
    assert explanation["quorum"] == 2


def test_without_a_database_a_draft_is_explained_by_the_policy_file(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COUNTERSIGN_DATABASE_URL", "sqlite:///nowhere.db")
    draft = terminal.file("draft.json", HARD.model_dump_json(exclude_unset=True))
    explanation = json.loads(terminal("policy", "explain", draft, "--json").out)
    why = "from the file policy.toml; there is no database at nowhere.db; run: countersign migrate"
    assert (explanation["policy_version"].partition("+")[0], explanation["policy_source"]) == ("test-1", why)


def test_an_old_key_works_as_long_as_the_policy_in_force_says(terminal: Terminal) -> None:
    longer = POLICY.replace("test-1", "test-2") + '[windows]\nkey_overlap = "3h"\n'
    terminal("policy", "apply", terminal.file("longer.toml", longer), "--yes")
    terminal("agents", "add", "clerk", "--owner", OWEN, "--force")
    result = terminal("agents", "rotate", "clerk", "--json")
    assert json.loads(result.out)["old_key_until"] == rfc3339(NOW + 3 * HOUR)
