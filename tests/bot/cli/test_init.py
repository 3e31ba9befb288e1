"""`countersign init` writes the files that a new installation starts from, and never touches one that is there."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from bot.settings import Settings
from rules.policy.parse import read_policy
from tests.bot.terminal import Terminal, make_terminal

ROOT = Path(__file__).parents[3]


@pytest.fixture
def terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Terminal:
    return make_terminal(tmp_path, "sqlite:///countersign.db", monkeypatch, capsys)


def test_init_writes_the_policy_the_manifest_and_the_settings(terminal: Terminal) -> None:
    assert terminal("init", "new").code == 0
    folder = terminal.folder / "new"
    assert (folder / "policy.toml").read_bytes() == (ROOT / "policy.toml").read_bytes()
    assert (folder / "manifest.yml").read_bytes() == (ROOT / "manifest.yml").read_bytes()
    assert (folder / ".env").read_bytes() == (ROOT / ".env.example").read_bytes()
    read_policy((folder / "policy.toml").read_text())


def test_only_its_owner_can_read_the_settings(terminal: Terminal) -> None:
    terminal("init", "new")
    assert stat.S_IMODE((terminal.folder / "new" / ".env").stat().st_mode) == 0o600


def test_init_keeps_an_existing_file_and_names_it(terminal: Terminal) -> None:
    env = terminal.folder / ".env"
    env.write_text("SLACK_BOT_TOKEN=xoxb-mine\n")
    assert "kept .env, which exists" in terminal("init").out
    assert env.read_text() == "SLACK_BOT_TOKEN=xoxb-mine\n"


def test_a_link_that_leads_elsewhere_is_not_followed(terminal: Terminal) -> None:
    elsewhere = terminal.folder / "elsewhere"
    (terminal.folder / ".env").symlink_to(elsewhere)
    assert "kept .env, which exists" in terminal("init").out
    assert not elsewhere.exists()


def test_a_folder_that_cannot_be_made_is_named(terminal: Terminal) -> None:
    (terminal.folder / "file").write_text("")
    refused = terminal("init", "file")
    assert refused.code == 1
    assert "file" in refused.err


def test_init_says_what_to_do_next(terminal: Terminal) -> None:
    steps = terminal("init").out
    assert [word for word in ("manifest.yml", "tokens", "policy.toml", "doctor", "serve") if word not in steps] == []


def test_the_example_names_only_settings_that_exist_and_leaves_secrets_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    lines = (ROOT / ".env.example").read_text().splitlines()
    values = dict(line.lstrip("#").split("=", 1) for line in lines if "=" in line and not line.startswith("# "))
    known = {str(field.alias or name).upper() for name, field in Settings.model_fields.items()}
    assert set(values) <= known
    examples = {"PUBLIC_URL", "DATABASE_URL", "SMTP_URL", "EMAIL_FROM", "FEED_URL", "FEED_FILE"}
    assert {name for name, value in values.items() if value} == {f"COUNTERSIGN_{name}" for name in examples}
    settings = Settings(_env_file=ROOT / ".env.example")
    assert not settings.slack_bot_token
    assert not settings.slack_app_token
