"""`countersign agents`: operators add agents, and change, rotate and revoke their keys."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
from sqlalchemy import Connection, Engine, select
from sqlalchemy.engine import make_url

from bot.keys import vault
from bot.settings import read_settings
from rules.people.autonomy import AutonomyProfile
from rules.people.directory import Agent, AgentStanding
from rules.policy.model import Autonomy
from rules.scales import HITLLevel
from store.agents import agents
from store.agents.agent_admin import SECRETS
from store.audit.tenant_record import TENANT_EVENTS
from store.engine.engines import make_engine, transact
from store.installation import directory
from store.installation.tenancy import read_tenant_id
from store.packages.autonomy import save_profile
from tests.bot.process.serving import KEY
from tests.bot.terminal import Terminal, make_terminal
from tests.rules.world import HOUR, NOW, OWEN, people

T = TypeVar("T")


@pytest.fixture
def terminal(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Terminal:
    terminal = make_terminal(tmp_path, database_url, monkeypatch, capsys)
    monkeypatch.setenv("COUNTERSIGN_KEY", KEY)
    return terminal


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = make_engine(make_url(database_url))
    yield engine
    engine.dispose()


@pytest.fixture
def by_key(engine: Engine) -> Callable[..., Agent | None]:
    """Look up an agent by its key, as the service does."""

    def look(key: str, now: datetime = NOW) -> Agent | None:
        return read(engine, lambda connection: agents.agent_by_key(connection, read_tenant_id(connection), key, now))

    return look


def read(engine: Engine, operation: Callable[[Connection], T]) -> T:
    with engine.connect() as connection:
        return operation(connection)


SCOPED = ("--may", "mail.*", "--may", "crm.read", "--for", "*@example.com", "--max-risk", "medium")


def test_the_limits_of_a_new_key_are_shown_by_agents_show(terminal: Terminal) -> None:
    assert terminal("agents", "add", "clerk", "--owner", OWEN, *SCOPED, "--per-minute", "60").code == 0
    result = terminal("agents", "show", "clerk")
    assert (result.value_of("may propose"), result.value_of("on behalf of")) == ("mail.*, crm.read", "*@example.com")
    assert (result.value_of("highest risk"), result.value_of("new packages")) == ("medium", "at most 60 a minute")
    scope = json.loads(terminal("agents", "list", "--json").out)[0]["scope"]
    assert scope == {
        "may": ["mail.*", "crm.read"],
        "requesters": ["*@example.com"],
        "max_risk": "medium",
        "per_minute": 60,
        "waiting_per_minute": 60,
        "max_open": 500,
    }


def test_a_key_without_limits_has_every_scope_and_the_default_rates(terminal: Terminal) -> None:
    add_agent(terminal)
    result = terminal("agents", "show", "clerk")
    assert (result.value_of("may propose"), result.value_of("on behalf of")) == ("all action types", "anyone")
    assert result.value_of("new packages") == "at most 120 a minute that wait for people"
    assert result.value_of("open packages") == "at most 500"


def test_agents_show_says_what_an_agent_has_earned_and_what_would_change_it(terminal: Terminal, engine: Engine) -> None:
    add_agent(terminal)
    unknown = terminal("agents", "show", "clerk").out
    assert "No reviewed outcomes yet: soft approval for every action type." in unknown
    agent_id = json.loads(terminal("agents", "show", "clerk", "--json").out)["agent_id"]
    track = AutonomyProfile(agent_id=agent_id, action_type="record.read", current_level=HITLLevel.SOFT_APPROVAL)
    for success in (False, True, True, True):
        track = track.record_outcome(success=success, now=NOW, settings=Autonomy())
    transact(engine, lambda connection: save_profile(connection, read_tenant_id(connection), track))
    lines = terminal("agents", "show", "clerk").out.partition("earned autonomy:\n")[2].splitlines()
    assert [line.strip() for line in lines] == [
        "record.read: soft approval",
        "so far: 3 reviewed successes in a row, 1 failure in the last 1 day",
        "rises: notify only after 7 more in a row",
        "falls: hard approval after 1 more failure within 1 day",
    ]
    assert json.loads(terminal("agents", "show", "clerk", "--json").out)["autonomy"] == [
        {
            "action_type": "record.read",
            "level": "soft_approval",
            "successes_in_a_row": 3,
            "failures_that_count": 1,
            "demoted_at": None,
            "rises_to": "notify_only",
            "successes_to_rise": 7,
            "falls_to": "hard_approval",
            "failures_to_fall": 1,
        }
    ]


def test_changing_a_keys_limits_is_recorded(terminal: Terminal, engine: Engine) -> None:
    terminal("agents", "add", "clerk", "--owner", OWEN, *SCOPED)
    result = terminal("agents", "change", "clerk", "--max-risk", "high", "--per-minute", "none", "--for", "*")
    assert (result.code, result.value_of("may propose"), result.value_of("on behalf of")) == (
        0,
        "mail.*, crm.read",
        "anyone",
    )
    assert (result.value_of("highest risk"), result.value_of("new packages")) == ("high", "no limit")
    bodies = read(engine, lambda connection: connection.execute(select(TENANT_EVENTS.c.body)).scalars().all())
    event = json.loads(bodies[-1])
    assert event["event_type"] == "agent.scope_changed"
    assert {"may": ["mail.*", "crm.read"], "max_risk": "high", "per_minute": 0}.items() <= event["change"].items()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--may", "mail *"], "--may: an action type such as mail.send, or a pattern such as mail.*; not 'mail *'"),
        (
            ["--for", "rose"],
            "--for: a Slack user id, an e-mail address, or a pattern such as *@example.com; not 'rose'",
        ),
        (["--per-minute", "0"], "must be a whole number of at least 1, `none` for no limit, or `default`"),
        ([], "give at least one of --may, --for, --max-risk, --per-minute, --max-open"),
    ],
)
def test_an_invalid_limit_is_refused_with_a_sentence(terminal: Terminal, arguments: list[str], sentence: str) -> None:
    add_agent(terminal)
    result = terminal("agents", "change", "clerk", *arguments)
    assert result.code != 0
    assert sentence in result.err


def test_an_agent_that_cannot_be_added_leaves_no_key_behind(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COUNTERSIGN_DATABASE_URL", f"sqlite:///{terminal.folder / 'none.db'}")
    monkeypatch.delenv("COUNTERSIGN_KEY")
    for command in (["add", "clerk", "--owner", OWEN], ["rotate", "clerk"]):
        assert "there is no database" in terminal("agents", *command).err
    assert not (terminal.folder / "none.db.key").exists()


def add_agent(terminal: Terminal, name: str = "clerk") -> str:
    result = terminal("agents", "add", name, "--owner", OWEN)
    assert result.code == 0, result.err
    return result.value_of("key")


def standing(agent: Agent | None) -> AgentStanding | None:
    return agent.standing if agent else None


# ---- adding


def test_a_printed_key_authenticates_its_agent(terminal: Terminal, by_key: Callable[..., Agent | None]) -> None:
    key = add_agent(terminal)
    agent = by_key(key)
    assert key.startswith("csk_")
    assert agent is not None
    assert (agent.name, agent.owner, agent.standing) == ("clerk", OWEN, AgentStanding.ACTIVE)


def test_the_printed_callback_secret_is_stored_sealed(terminal: Terminal, engine: Engine) -> None:
    secret = terminal("agents", "add", "clerk", "--owner", OWEN).value_of("callback secret")
    assert secret.startswith("whsec_")
    kept = read(engine, lambda connection: connection.execute(select(SECRETS.c.secret)).scalar_one())
    assert secret.removeprefix("whsec_") not in kept
    assert vault(read_settings()).open(kept) == secret


def test_new_credentials_can_be_printed_as_json(terminal: Terminal, by_key: Callable[..., Agent | None]) -> None:
    result = terminal("agents", "add", "clerk", "--owner", OWEN, "--json")
    credentials = json.loads(result.out)
    agent = by_key(credentials["key"])
    assert agent is not None
    assert (credentials["agent_id"], credentials["name"]) == (agent.agent_id, "clerk")
    assert credentials["callback_secret"].startswith("whsec_")


def test_commands_are_recorded_with_the_operator_as_actor(terminal: Terminal, engine: Engine) -> None:
    add_agent(terminal)
    for verb in ("rotate", "pause", "resume", "revoke"):
        assert terminal("agents", verb, "clerk").code == 0
    assert (terminal("freeze").code, terminal("thaw").code) == (0, 0)
    query = select(TENANT_EVENTS.c.event_type, TENANT_EVENTS.c.actor).order_by(TENANT_EVENTS.c.sequence)
    rows = read(engine, lambda connection: connection.execute(query).all())
    done = ["agent.added", "agent.rotated", "agent.paused", "agent.active", "agent.revoked"]
    assert [tuple(row) for row in rows] == [(what, "operator") for what in (*done, "tenant.frozen", "tenant.thawed")]


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (("clerk", "--owner", "bob"), "must be the id of a Slack user such as U0123ABCD"),
        (("two words", "--owner", OWEN), "without spaces"),
        (("clerk", "--owner", OWEN, "--callback-url", "ftp://x"), "must be an http or https URL"),
        (("clerk", "--owner", OWEN, "--callback-url", "http://127.0.0.1/hook"), "COUNTERSIGN_CALLBACK_ALLOW"),
        (("clerk",), "Missing option '--owner'"),
    ],
    ids=["owner", "name", "url", "inside", "nobody"],
)
def test_invalid_arguments_are_refused_before_anything_is_written(
    terminal: Terminal, arguments: tuple[str, ...], what: str
) -> None:
    result = terminal("agents", "add", *arguments)
    assert result.code == 2
    assert what in result.line
    assert "no agents yet" in terminal("agents", "list").out


def test_an_internal_callback_url_is_accepted_if_the_settings_allow_it(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COUNTERSIGN_CALLBACK_ALLOW", "127.0.0.0/8")
    assert terminal("agents", "add", "clerk", "--owner", OWEN, "--callback-url", "http://127.0.0.1/hook").code == 0
    assert "http://127.0.0.1/hook" in terminal("agents", "list").out


def test_an_agents_name_must_be_unique(terminal: Terminal) -> None:
    add_agent(terminal)
    result = terminal("agents", "add", "clerk", "--owner", OWEN)
    assert result.code == 1
    assert result.line.startswith("countersign: there is an agent named 'clerk' already")


NOT_OWNERS = [
    ("UNOBODY", {}, "UNOBODY is not in this workspace's directory"),
    (OWEN, {"active": False}, f"{OWEN} is deactivated"),
    (OWEN, {"is_guest": True}, f"{OWEN} is a guest"),
    (OWEN, {"is_stranger": True}, f"{OWEN} belongs to another workspace"),
    (OWEN, {"is_bot": True}, f"{OWEN} is a bot"),
]


@pytest.mark.parametrize(("owner", "change", "why"), NOT_OWNERS, ids=[why.partition(" ")[2] for *_, why in NOT_OWNERS])
def test_only_an_active_full_member_owns_an_agent_unless_the_operator_insists(
    terminal: Terminal, engine: Engine, owner: str, change: dict[str, bool], why: str
) -> None:
    everybody = people()
    everybody[OWEN] = everybody[OWEN].model_copy(update=change)
    transact(engine, lambda connection: directory.replace_directory(connection, everybody.values(), {}, NOW))
    result = terminal("agents", "add", "clerk", "--owner", owner)
    assert (result.code, result.line) == (1, f"countersign: {why}; choose another owner, or add the agent with --force")
    assert "no agents yet" in terminal("agents", "list").out
    assert terminal("agents", "add", "clerk", "--owner", owner, "--force").code == 0


def test_an_owner_is_accepted_with_a_note_before_the_directory_was_read(terminal: Terminal, engine: Engine) -> None:
    result = terminal("agents", "add", "first", "--owner", "UNOBODY")
    assert (result.code, "so UNOBODY was not checked" in result.err) == (0, True)
    transact(engine, lambda connection: directory.replace_directory(connection, people().values(), {}, NOW))
    result = terminal("agents", "add", "second", "--owner", OWEN)
    assert (result.code, "checked" in result.err) == (0, False)


def test_a_stale_directory_still_rejects_an_unknown_owner(terminal: Terminal, engine: Engine) -> None:
    terminal("agents", "list")
    transact(engine, lambda connection: directory.replace_directory(connection, people().values(), {}, NOW, NOW))
    transact(engine, directory.mark_unread)
    assert terminal("agents", "add", "clerk", "--owner", "UNOBODY").code == 1


# ---- listing


@pytest.mark.parametrize("how", [(), ("--json",)], ids=["text", "json"])
def test_agents_list_shows_no_secrets(terminal: Terminal, how: tuple[str, ...]) -> None:
    credentials = json.loads(terminal("agents", "add", "clerk", "--owner", OWEN, "--json").out)
    result = terminal("agents", "list", *how)
    assert "clerk" in result.out
    assert OWEN in result.out
    assert credentials["key"] not in result.out
    assert credentials["callback_secret"] not in result.out
    assert "csk_" not in result.out + result.err


def test_agents_list_shows_the_standing_of_each_agent(terminal: Terminal) -> None:
    add_agent(terminal, "clerk")
    add_agent(terminal, "scribe")
    terminal("agents", "pause", "scribe")
    listed = {agent["name"]: agent for agent in json.loads(terminal("agents", "list", "--json").out)}
    assert (listed["clerk"]["standing"], listed["scribe"]["standing"]) == ("active", "paused")
    assert listed["clerk"]["created_at"] == "2026-11-20T12:00:00Z"
    assert max(map(len, terminal("agents", "list").out.splitlines())) <= 80


# ---- changing keys


def test_a_rotated_key_works_on_until_its_overlap_ends(terminal: Terminal, by_key: Callable[..., Agent | None]) -> None:
    old = add_agent(terminal)
    result = terminal("agents", "rotate", "clerk")
    new = result.value_of("key")
    assert result.value_of("old key") == "valid until 2026-11-21T12:00:00Z"
    assert new != old
    assert standing(by_key(old, NOW + 23 * HOUR)) is standing(by_key(new)) is AgentStanding.ACTIVE
    assert by_key(old, NOW + 24 * HOUR) is None
    assert standing(by_key(new, NOW + timedelta(days=1000))) is AgentStanding.ACTIVE


def test_a_leaked_key_can_be_revoked_at_once(terminal: Terminal, by_key: Callable[..., Agent | None]) -> None:
    old = add_agent(terminal)
    new = json.loads(terminal("agents", "rotate", "clerk", "--overlap", "0s", "--json").out)
    assert new["old_key_until"] == "2026-11-20T12:00:00Z"
    assert by_key(old) is None
    assert [agent["keys"] for agent in json.loads(terminal("agents", "list", "--json").out)] == [1]
    assert standing(by_key(new["key"])) is AgentStanding.ACTIVE


def test_an_overlap_must_be_a_duration(terminal: Terminal) -> None:
    result = terminal("agents", "rotate", "clerk", "--overlap", "soon")
    assert (result.code, "write a duration such as 90s" in result.line) == (2, True)
    result = terminal("agents", "rotate", "clerk", "--overlap", "800000d")
    assert (result.code, "must be at most 36500d" in result.line) == (2, True)


# ---- pausing, revoking, freezing


def test_a_revoked_agent_has_no_key_any_more_and_stays_revoked(
    terminal: Terminal, by_key: Callable[..., Agent | None]
) -> None:
    key = add_agent(terminal)
    assert terminal("agents", "revoke", "clerk").out == "clerk is revoked\n"
    assert by_key(key) is None
    assert terminal("agents", "resume", "clerk").line == (
        "countersign: 'clerk' is revoked, for good; add a new agent instead"
    )


@pytest.mark.parametrize("verb", ["rotate", "pause", "resume", "revoke"])
def test_a_revoked_agent_cannot_be_changed(terminal: Terminal, verb: str) -> None:
    add_agent(terminal)
    terminal("agents", "revoke", "clerk")
    assert terminal("agents", verb, "clerk").line.startswith("countersign: 'clerk' is revoked, for good")


def test_a_repeated_command_is_recorded_once(terminal: Terminal, engine: Engine) -> None:
    add_agent(terminal)
    for arguments in (("agents", "pause", "clerk"), ("freeze",)):
        assert (terminal(*arguments).code, terminal(*arguments).code) == (0, 0)
    rows = read(engine, lambda connection: connection.execute(select(TENANT_EVENTS.c.event_type)).scalars().all())
    assert sorted(rows) == ["agent.added", "agent.paused", "tenant.frozen"]


def test_a_paused_agent_is_paused_until_it_is_resumed(terminal: Terminal, by_key: Callable[..., Agent | None]) -> None:
    key = add_agent(terminal)
    terminal("agents", "pause", "clerk")
    assert standing(by_key(key)) is AgentStanding.PAUSED
    terminal("agents", "resume", "clerk")
    assert standing(by_key(key)) is AgentStanding.ACTIVE


def test_a_freeze_stops_all_agents_until_the_thaw(terminal: Terminal, by_key: Callable[..., Any]) -> None:
    keys = [add_agent(terminal, name) for name in ("clerk", "scribe")]
    terminal("freeze")
    assert [by_key(key).may_act for key in keys] == [False, False]
    assert "everything is frozen" in terminal("agents", "list").out
    terminal("thaw")
    assert [by_key(key).may_act for key in keys] == [True, True]
    assert "frozen" not in terminal("agents", "list").out


@pytest.mark.parametrize("verb", ["rotate", "revoke", "pause", "resume"])
def test_an_unknown_agent_is_named(terminal: Terminal, verb: str) -> None:
    result = terminal("agents", verb, "nobody")
    assert (result.code, result.line) == (
        1,
        "countersign: there is no agent named 'nobody'; `countersign agents list` shows them",
    )
