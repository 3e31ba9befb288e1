"""`countersign key`: callback secrets are sealed in the database, and a new key can replace an earlier one."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from sqlalchemy import select

from bot.callback_wiring import callback_sender
from bot.keys import known_public_key
from bot.metrics import Metrics
from bot.settings import read_settings
from bot.tracing.tracing import Untraced
from store.agents.agent_admin import SECRETS
from store.agents.callback_secrets import VaultError
from store.engine.address import parse_database_url
from store.engine.engines import make_engine, transact
from tests.bot.process.serving import KEY
from tests.bot.service import open_api
from tests.bot.terminal import Terminal, make_terminal
from tests.rules.world import OWEN

NEW_KEY = base64.b64encode(bytes(range(32))).decode()


@pytest.fixture
def terminal(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Terminal:
    terminal = make_terminal(tmp_path, database_url, monkeypatch, capsys)
    monkeypatch.setenv("COUNTERSIGN_KEY", KEY)
    return terminal


def stored_secret(url: str) -> str:
    engine = make_engine(parse_database_url(url))
    secret = transact(engine, lambda connection: connection.execute(select(SECRETS.c.secret)).scalar_one())
    engine.dispose()
    return str(secret)


def test_the_public_key_is_printed(terminal: Terminal) -> None:
    assert terminal("key").out == f"{known_public_key(read_settings())}\n"


def test_rotating_the_key_seals_secrets_with_the_new_key(
    terminal: Terminal, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal("agents", "add", "clerk", "--owner", OWEN, "--force")
    before = stored_secret(database_url)
    monkeypatch.setenv("COUNTERSIGN_KEY", NEW_KEY)
    result = terminal("key", "rotate")
    assert (result.code, "set COUNTERSIGN_KEY_OLD to the key that sealed them" in result.line) == (1, True)
    monkeypatch.setenv("COUNTERSIGN_KEY_OLD", KEY)
    result = terminal("key", "rotate")
    assert (result.code, result.out.startswith("sealed 1 callback secrets with the key ")) == (0, True)
    assert stored_secret(database_url) != before
    monkeypatch.delenv("COUNTERSIGN_KEY_OLD")
    assert terminal("key", "rotate").code == 0


def test_agents_get_new_secrets_after_the_key_is_lost(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal("agents", "add", "clerk", "--owner", OWEN, "--force")
    monkeypatch.setenv("COUNTERSIGN_KEY", NEW_KEY)
    assert terminal("key", "rotate").code == 1
    assert terminal("agents", "rotate", "clerk", "--overlap", "0s").code == 0
    assert terminal("key", "rotate").code == 0


def test_a_revoked_agent_needs_no_new_secret_after_the_key_is_lost(
    terminal: Terminal, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal("agents", "add", "clerk", "--owner", OWEN, "--force")
    terminal("agents", "revoke", "clerk")
    before = stored_secret(database_url)
    monkeypatch.setenv("COUNTERSIGN_KEY", NEW_KEY)
    assert terminal("key", "rotate").out.startswith("sealed 0 callback secrets")
    assert stored_secret(database_url) == before


async def test_the_start_seals_open_secrets_and_fails_if_no_key_opens_one(database_url: str, tmp_path: Path) -> None:
    async with open_api(database_url, tmp_path, COUNTERSIGN_KEY=KEY) as api:
        secret = stored_secret(database_url)  # added without a key, as in earlier releases, so it is not sealed
        settings, metrics = api.running.service.settings, Metrics()
        async with callback_sender(settings, api.store, metrics, None, Untraced()):
            sealed = stored_secret(database_url)
        assert (secret.startswith("whsec_"), sealed.startswith("sealed:"), secret[6:] in sealed) == (True, True, False)
        another = settings.model_copy(update={"key": read_settings(_env_file=None, COUNTERSIGN_KEY=NEW_KEY).key})
        with pytest.raises(VaultError, match="COUNTERSIGN_KEY does not open"):
            async with callback_sender(another, api.store, metrics, None, Untraced()):
                pass


def test_serve_requires_a_key_on_postgresql(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "COUNTERSIGN_DATABASE_URL": "postgresql://x@127.0.0.1:1/x",
        "SLACK_BOT_TOKEN": "xoxb-1",
        "SLACK_APP_TOKEN": "xapp-1",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("COUNTERSIGN_KEY")
    result = terminal("serve")
    assert (result.code, result.line.startswith("countersign: COUNTERSIGN_KEY: must be set on PostgreSQL")) == (1, True)
