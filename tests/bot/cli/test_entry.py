"""The entry point of the command line: its commands, and every fault as one clear line."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlalchemy.engine import make_url
from typer.core import TyperGroup

from bot import cli
from bot.cli.common import session
from bot.cli.common.lazy import LazyCommand
from playground.slack import Slack, stand_in
from store.engine.engines import make_engine
from store.engine.workers import UnavailableError
from store.migrations.migrate import is_current
from tests.bot.process.serving import slack_settings
from tests.bot.terminal import POLICY, Terminal, make_terminal
from tests.fork_server import start_program
from tests.rules.world import OWEN

ROOT = Path(__file__).parents[3]


@pytest.fixture
def terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Terminal:
    """A terminal in a folder without a database."""
    return make_terminal(tmp_path, "sqlite:///its.db", monkeypatch, capsys)


@pytest.fixture
def engine(terminal: Terminal) -> Iterator[Engine]:
    engine = make_engine(make_url(f"sqlite:///{terminal.folder / 'its.db'}"))
    yield engine
    engine.dispose()


def inherited_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("COUNTERSIGN_", "SLACK_"))}


def process(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the installed command as a process."""
    return subprocess.run(
        [Path(sys.executable).with_name("countersign"), *arguments],
        cwd=folder,
        env=inherited_environment(),
        capture_output=True,
        text=True,
        check=False,
    )


# ---- as a process


def test_the_installed_command_migrates_a_database_and_adds_an_agent(tmp_path: Path) -> None:
    (tmp_path / "policy.toml").write_text(POLICY)
    assert process(tmp_path, "migrate").stdout.startswith("the database is at schema ")
    added = process(tmp_path, "agents", "add", "clerk", "--owner", OWEN)
    assert (added.returncode, "key: csk_" in added.stdout) == (0, True)
    again = process(tmp_path, "agents", "add", "clerk", "--owner", OWEN)
    assert (again.returncode, again.stdout) == (1, "")
    assert again.stderr == (
        "countersign: there is an agent named 'clerk' already; choose another name, or rotate its key\n"
    )
    assert (tmp_path / "countersign.db").exists()


def test_settings_are_read_from_dotenv(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("COUNTERSIGN_DATABASE_URL=sqlite:///elsewhere.db\n")
    assert process(tmp_path, "migrate").returncode == 0
    assert (tmp_path / "elsewhere.db").exists()


def test_the_command_line_runs_as_a_python_module(tmp_path: Path) -> None:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    result = subprocess.run(
        [sys.executable, "-m", "bot.cli", "--version"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert re.fullmatch(r"countersign \d+\.\d+\.\d+\n", result.stdout)


def test_the_list_of_commands_imports_no_part_of_the_service(tmp_path: Path) -> None:
    code = "import sys; from bot.cli import run_command; run_command(['--help']); print(*sys.modules)"
    listing = subprocess.check_output(
        [sys.executable, "-c", code], cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, text=True
    )
    imported = {name.partition(".")[0] for name in listing.splitlines()[-1].split()}
    assert imported & {"aiohttp", "blocks", "pydantic", "rules", "scheduler", "sqlalchemy", "store"} == set()


def test_a_closed_output_pipe_prints_no_error(tmp_path: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "wb") as closed:
        command = [str(Path(sys.executable).with_name("countersign")), "--help"]
        result = subprocess.run(command, cwd=tmp_path, stdout=closed, stderr=subprocess.PIPE, check=False)
    assert result.stderr == b""


async def test_a_port_in_use_is_reported_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "policy.toml").write_text(POLICY)
    async with stand_in() as slack:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            code, errors = await serve(tmp_path, slack, "--port", str(taken.getsockname()[1]))
    assert code == 1
    assert re.fullmatch(r"countersign: .*address already in use", errors.splitlines()[-1])
    assert "Traceback" not in errors


# ---- what serve needs


async def serve(folder: Path, slack: Slack, *arguments: str, **settings: str) -> tuple[int | None, str]:
    """Run `serve`, and return its exit code and stderr."""
    started = await start_program(
        cli.main, "serve", *arguments, cwd=folder, env=inherited_environment() | slack_settings(slack) | settings
    )
    _, errors = await started.communicate()
    return started.returncode, errors.decode()


WHERE = "docs/connect.md says where it comes from"


@pytest.mark.parametrize(
    ("given", "line"),
    [
        pytest.param(
            {"SLACK_SIGNING_SECRET": "secret"},
            f"SLACK_BOT_TOKEN: is not set; {WHERE}",
            id="no token to call Slack with",
        ),
        pytest.param(
            {"SLACK_BOT_TOKEN": "", "SLACK_APP_TOKEN": "xapp-1"},
            f"SLACK_BOT_TOKEN: is not set; {WHERE}",
            id="a token that was left empty",
        ),
        pytest.param(
            {"SLACK_BOT_TOKEN": "xoxb-1"},
            f"SLACK_APP_TOKEN: is not set, and for HTTP SLACK_SIGNING_SECRET is not set either; {WHERE}",
            id="no way for Slack to reach us",
        ),
    ],
)
def test_serve_without_slack_settings_names_the_missing_one(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, given: dict[str, str], line: str
) -> None:
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    result = terminal("serve")
    assert (result.code, result.line) == (1, f"countersign: {line}")
    assert not (terminal.folder / "its.db").exists()


@pytest.mark.parametrize(
    ("wrong", "line"),
    [
        ({"SLACK_BOT_TOKEN": "xoxb-wrong"}, "SLACK_BOT_TOKEN: Slack refuses it (invalid_auth)"),
        ({"SLACK_APP_TOKEN": "xapp-wrong"}, "SLACK_APP_TOKEN: Slack refuses it (invalid_auth)"),
        ({"SLACK_BOT_TOKEN": "xapp-stand-in"}, "SLACK_BOT_TOKEN: Slack refuses it (not_allowed_token_type)"),
    ],
    ids=["bot token", "app-level token", "tokens swapped"],
)
async def test_a_token_that_slack_refuses_is_named_and_never_shown(
    tmp_path: Path, wrong: dict[str, str], line: str
) -> None:
    (tmp_path / "policy.toml").write_text(POLICY)
    async with stand_in() as slack:
        code, errors = await serve(tmp_path, slack, "--port", "0", **wrong)
    assert (code, errors.splitlines()[-1]) == (1, f"countersign: {line}")
    assert [value for value in wrong.values() if value in errors] == []
    assert "Traceback" not in errors


# ---- arguments


def commands(terminal: Terminal, *path: str) -> Iterator[tuple[str, ...]]:
    yield path
    listed = terminal(*path, "--help").out.partition("\nCommands:\n")[2]
    for name in re.findall(r"^  (\w+) ", listed, re.MULTILINE):
        yield from commands(terminal, *path, name)


def test_every_command_says_what_it_does(terminal: Terminal) -> None:
    paths = list(commands(terminal))
    assert {("migrate",), ("agents", "add"), ("policy", "explain"), ("audit", "verify"), ("doctor",)} <= set(paths)
    for path in paths:
        result = terminal(*path, "--help")
        assert (result.code, result.err) == (0, "")
        assert re.search(r"^Usage: .+\n\n  [A-Z]", result.out), path
        assert max(map(len, result.out.splitlines())) <= 100


@pytest.mark.parametrize("command", cli.COMMANDS, ids=lambda command: command.name)
def test_the_list_of_commands_says_of_each_what_its_own_help_says(command: LazyCommand) -> None:
    assert command.load().help.startswith(str(command.help).removesuffix("."))


def test_the_list_of_commands_fits_80_columns(terminal: Terminal) -> None:
    assert [command.name for command in cli.COMMANDS if len(str(command.help)) > 60] == []
    assert "..." not in terminal("--help").out.partition("\nCommands:\n")[2]


def test_without_a_command_the_help_is_printed(terminal: Terminal) -> None:
    result = terminal()
    assert (result.code, result.err.startswith("Usage: countersign")) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("nonsense",), "countersign: No such command 'nonsense'; see `countersign --help`"),
        (("agents", "add"), "countersign: Missing argument 'NAME'; see `countersign agents add --help`"),
        (("queue", "--what"), "countersign: No such option: --what; see `countersign queue --help`"),
    ],
    ids=["command", "argument", "option"],
)
def test_an_unknown_command_argument_or_option_is_one_line(
    terminal: Terminal, arguments: tuple[str, ...], line: str
) -> None:
    result = terminal(*arguments)
    assert (result.code, result.line) == (2, line)


# ---- the database


def test_migrate_creates_the_database_and_can_be_repeated(terminal: Terminal, engine: Engine) -> None:
    assert terminal("migrate") == terminal("migrate")
    with engine.connect() as connection:
        assert is_current(connection)


@pytest.mark.parametrize("command", ["queue", "stats", "freeze", "agents list", "audit verify"])
def test_a_missing_database_is_reported_and_not_created(terminal: Terminal, command: str) -> None:
    result = terminal(*command.split())
    assert (result.code, result.line) == (1, "countersign: there is no database at its.db; run: countersign migrate")
    assert not (terminal.folder / "its.db").exists()


@pytest.mark.parametrize("command", ["queue", "stats", "freeze", "agents list", "audit export"])
def test_a_database_with_another_schema_is_not_touched(terminal: Terminal, command: str) -> None:
    terminal.file("its.db", "")
    result = terminal(*command.split())
    assert (result.code, result.line) == (
        1,
        "countersign: the database does not have this program's schema; run: countersign migrate",
    )


def test_a_file_that_is_not_a_database_is_reported(terminal: Terminal) -> None:
    terminal.file("its.db", b"no database at all" * 100)
    assert "the database: file is not a database" in terminal("queue").line


def test_a_server_that_does_not_answer_is_one_line_without_its_password(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COUNTERSIGN_DATABASE_URL", "postgresql://us:secret-word@127.0.0.1:1/x")
    result = terminal("queue")
    assert result.code == 1
    assert "the database: connection failed" in result.line
    assert "secret-word" not in result.line


# ---- other faults


@pytest.mark.parametrize(
    ("name", "value"),
    [("DATABASE_URL", "mysql://x"), ("CALLBACK_ALLOW", "everywhere"), ("PORT", "many")],
    ids=["database", "network", "port"],
)
def test_a_wrong_setting_is_named(terminal: Terminal, monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"COUNTERSIGN_{name}", value)
    result = terminal("migrate")
    assert (result.code, result.line.startswith(f"countersign: COUNTERSIGN_{name}: ")) == (1, True)


def raising(fault: Exception) -> Any:
    def instead(*_: object) -> None:
        raise fault

    return instead


def test_a_busy_database_is_reported_as_busy(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "query", raising(UnavailableError("the database could not be written to")))
    assert terminal("queue").line == "countersign: the database could not be written to"


def test_an_internal_error_is_one_line_with_file_and_line_number(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "query", raising(KeyError("oh")))
    result = terminal("queue")
    assert result.code == 1
    assert re.search(r"please report it: KeyError: 'oh' \(.+test_entry\.py:\d+\)$", result.line)


def test_a_command_that_needs_the_policy_reports_its_faults_in_one_line(terminal: Terminal) -> None:
    terminal("migrate")
    terminal.file("policy.toml", POLICY.replace('version = "test-1"', "version = 1\nadmin = 2"))
    result = terminal("agents", "rotate", "clerk")
    assert result.code == 1
    assert result.line.endswith("(and 1 more); `countersign policy check` shows all of it")


GROUPS = ["", *(command.name for command in cli.COMMANDS if isinstance(command.load(), TyperGroup))]


@pytest.mark.parametrize("group", GROUPS, ids=[group or "countersign" for group in GROUPS])
def test_the_list_of_commands_cuts_no_text(terminal: Terminal, monkeypatch: pytest.MonkeyPatch, group: str) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    commands = terminal(*filter(None, [group]), "--help").out.partition("Commands:")[2]
    assert commands
    assert "..." not in commands
