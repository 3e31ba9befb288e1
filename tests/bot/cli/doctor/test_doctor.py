"""`countersign doctor` finds what keeps the service from working, and says what to do about it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError

from bot.cli.doctor import examination
from playground.slack import Slack
from rules.policy.model import Policy
from rules.policy.parse import read_policy
from store.commands.policies import PolicyFile, activate_policy
from store.engine.engines import make_engine, transact
from store.installation import tenancy
from store.installation.policy_texts import FIX
from store.outbox import troubles
from tests.bot.cli.doctor.setup import faults_found, healthy_terminal, only_fault, run_doctor, workspace
from tests.bot.terminal import POLICY, Terminal
from tests.rules.world import DORA, HOUR, NOW, SENTA, SUSI

IN_ORDER = [
    "settings", "policy", "who", "database", "writing", "clock", "callbacks,", "key,", "e-mail", "operators'",
    "SLACK_BOT_TOKEN,", "scopes", "clock,", "SLACK_SIGNING_SECRET", "COUNTERSIGN_PUBLIC_URL,",
    "people,", "role", "role", "role",
]  # fmt: skip


@pytest.fixture
async def slack() -> AsyncIterator[Slack]:
    async with workspace() as slack:
        yield slack


@pytest.fixture
def terminal(
    database_url: str, slack: Slack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Terminal:
    """A terminal whose setup is healthy."""
    return healthy_terminal(database_url, slack, tmp_path, monkeypatch, capsys)


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = make_engine(make_url(database_url))
    yield engine
    engine.dispose()


async def test_every_check_of_a_healthy_setup_is_listed(terminal: Terminal) -> None:
    result = await run_doctor(terminal)
    assert result.code == 0
    findings = [line.split()[:2] for line in result.out.splitlines()]
    assert [what.rstrip(":") for _, what in findings] == IN_ORDER
    assert [what for how, what in findings if how != "ok"] == [
        "e-mail:",
        "operators'",
        "SLACK_SIGNING_SECRET:",
        "COUNTERSIGN_PUBLIC_URL,",
    ]


async def test_the_doctor_changes_nothing(terminal: Terminal, engine: Engine) -> None:
    with engine.connect() as connection:
        before = connection.execute(tenancy.INSTALLATION.select()).one()
    await run_doctor(terminal)
    with engine.connect() as connection:
        assert connection.execute(tenancy.INSTALLATION.select()).one() == before
    assert sorted(path.name for path in terminal.folder.glob("*.key")) == []


async def test_an_invalid_setting_is_the_only_fault(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COUNTERSIGN_PORT", "many")
    fault, fix = await only_fault(terminal)
    assert fault.startswith("settings: COUNTERSIGN_PORT: ")
    assert fix == "correct it in the environment or in .env"


async def test_a_missing_database_is_a_fault(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COUNTERSIGN_DATABASE_URL", "sqlite:///nowhere.db")
    assert await only_fault(terminal) == (
        "database sqlite:///nowhere.db: there is no database at nowhere.db",
        "run: countersign migrate",
    )


async def test_a_database_that_is_not_migrated_is_a_fault(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal.file("empty.db", "")
    monkeypatch.setenv("COUNTERSIGN_DATABASE_URL", "sqlite:///empty.db")
    assert await only_fault(terminal) == (
        "database sqlite:///empty.db: the database does not have this program's schema",
        "run: countersign migrate",
    )


async def test_a_server_that_is_down_is_named_without_its_password(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COUNTERSIGN_DATABASE_URL", "postgresql://us:secret-word@127.0.0.1:1/x")
    fault, fix = await only_fault(terminal)
    assert fault.startswith("database postgresql://us:***@127.0.0.1:1/x: connection failed")
    assert fix == "start it, or correct COUNTERSIGN_DATABASE_URL"


def apply_policy(engine: Engine, policy_text: str) -> Policy:
    given = read_policy(policy_text)
    transact(engine, lambda connection: activate_policy(connection, PolicyFile(given, policy_text), NOW))
    return given


async def test_a_file_that_equals_the_policy_in_force_is_ok(terminal: Terminal, engine: Engine) -> None:
    apply_policy(engine, "# explained\n\n" + POLICY)
    result = await run_doctor(terminal)
    assert (result.code, "ok     policy in force" in result.out.splitlines()) == (0, True)


async def test_a_policy_in_force_that_differs_from_the_file_is_a_fault(terminal: Terminal, engine: Engine) -> None:
    other = apply_policy(engine, POLICY.replace("test-1", "test-2"))
    assert await only_fault(terminal) == (
        f"policy in force: version {other.full_version} is in force, and not this file",
        "run: countersign policy apply FILE (with --again for an earlier policy)",
    )


async def test_an_unreadable_policy_in_force_is_a_fault(terminal: Terminal, engine: Engine) -> None:
    apply_policy(engine, POLICY)
    later = text("UPDATE policies SET text = text || :key")
    transact(engine, lambda connection: connection.execute(later, {"key": "\n[of_a_later_release]\n"}))
    fault, fix = await only_fault(terminal)
    assert fault.startswith("policy in force: The policy in force (version test-1) cannot be read here: ")
    assert ("of_a_later_release" in fault, fix) == (True, FIX)


async def test_a_read_only_database_is_a_fault(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise OperationalError("BEGIN", {}, Exception("attempt to write a readonly database"))

    monkeypatch.setattr(examination, "begin_immediate", refuse)
    fault, fix = await only_fault(terminal)
    assert fault == "writing: attempt to write a readonly database"
    assert "let this user write" in fix


async def test_a_clock_behind_the_newest_event_is_a_fault(
    terminal: Terminal, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = datetime.now(UTC)
    transact(engine, lambda connection: tenancy.set_frozen(connection, frozen=True, actor="operator", now=now))
    monkeypatch.setattr(examination, "now", lambda: now - HOUR)
    fault, fix = await only_fault(terminal)
    assert re.fullmatch(r"clock: it differs by 36\d\d s", fault)
    assert fix == "set the clocks of all machines by NTP"


async def test_a_missing_policy_file_is_a_fault(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COUNTERSIGN_POLICY", "nowhere.toml")
    assert await only_fault(terminal) == (
        "policy nowhere.toml: No such file or directory",
        "set COUNTERSIGN_POLICY to the file, or put it there",
    )


async def test_every_fault_of_a_policy_is_listed(terminal: Terminal) -> None:
    terminal.file("policy.toml", POLICY + "\n[confidence]\nsoft_below = 2\n[soft]\nenabld = true\n")
    assert [fix for _, fix in await faults_found(terminal)] == [
        "correct confidence.soft_below in it",
        "correct soft.enabld in it",
    ]


async def test_a_role_without_people_is_a_fault(terminal: Terminal) -> None:
    terminal.file("policy.toml", POLICY.replace(SUSI, "").replace('[""]', "[]").replace(DORA, "").replace('[""]', "[]"))
    fault, fix = await only_fault(terminal)
    assert fault == "role supervisor: nobody holds it, so packages that need it are refused"
    assert fix.startswith("put Slack ids into `members` or `groups` of [roles.supervisor]")


async def test_a_role_is_held_through_a_role_that_includes_it(terminal: Terminal) -> None:
    terminal.file("policy.toml", POLICY.replace(SENTA, "").replace('[""]', "[]"))
    assert await faults_found(terminal) == []


async def test_a_policy_without_recipients_of_alerts_is_a_fault(terminal: Terminal) -> None:
    terminal.file("policy.toml", POLICY.replace('admins = ["URITA"]', ""))
    fault, fix = await only_fault(terminal)
    assert fault == "who is told of troubles: nobody is told if Slack refuses calls"
    assert fix == "Put Slack ids into `admins`, or a channel's id into `admins` of [channels]"
    terminal.file("policy.toml", POLICY.replace('admins = ["URITA"]', "") + '[channels]\nadmins = "C0ADMINS"\n')
    assert "ok     who is told of troubles: C0ADMINS" in (await run_doctor(terminal)).out


async def test_an_invalid_key_is_a_fault(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COUNTERSIGN_KEY", "no-key-at-all")
    fault, fix = await only_fault(terminal)
    assert fault.startswith("key: COUNTERSIGN_KEY: must be the base64 of 32 bytes")
    assert "no-key-at-all" not in fault
    assert fix.startswith("set COUNTERSIGN_KEY")


async def test_the_key_is_generated_at_first_use_on_sqlite(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COUNTERSIGN_KEY")
    monkeypatch.setenv("COUNTERSIGN_DATABASE_URL", "sqlite:///its.db")
    terminal("migrate")
    assert (
        "skip   key: there is none yet; `serve`, `agents add` or an export makes it, in its.db.key"
        in (await run_doctor(terminal)).out
    )
    terminal("audit", "export")
    assert "key, whose public half is " in (await run_doctor(terminal)).out


async def test_a_channel_where_slack_refuses_cards_is_a_fault(terminal: Terminal, engine: Engine) -> None:
    since = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
    keep = partial(troubles.record_trouble, place="C0GONE", error="channel_is_archived", now=since)
    transact(engine, lambda connection: keep(connection, tenancy.read_tenant_id(connection)))
    fault, fix = await only_fault(terminal)
    assert (
        fault == "cards in C0GONE: Slack refuses to show anything there since 2026-03-02 09:30 UTC: channel_is_archived"
    )
    assert "name another channel in the policy" in fix


async def test_an_app_that_slack_uninstalled_is_a_fault(terminal: Terminal, engine: Engine) -> None:
    since = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
    keep = partial(troubles.record_trouble, place=troubles.APP, error="app_uninstalled", now=since)
    transact(engine, lambda connection: keep(connection, tenancy.read_tenant_id(connection)))
    fault, fix = await only_fault(terminal)
    assert fault == "the Slack app: Slack does nothing for it since 2026-03-02 09:30 UTC: app_uninstalled"
    assert "SLACK_BOT_TOKEN" in fix
