"""`countersign doctor --live`: what only Slack can tell, tried step by step against the stand-in."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.cli.doctor.live_run.arrivals import NOT_OURS, NOT_YOU
from bot.cli.doctor.live_run.table import BY_HAND, STEPS
from bot.settings import SLACK_PATH
from playground.slack import Slack
from tests.bot.cli.doctor.live_operator import REPORT, Operator, live_terminal, live_workspace, run_live
from tests.bot.cli.doctor.setup import REVIEWS
from tests.bot.terminal import Terminal
from tests.rules.world import RITA, ROSS

ROOT = Path(__file__).parents[4]
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
async def slack() -> AsyncIterator[Slack]:
    async with live_workspace() as slack:
        yield slack


@pytest.fixture
def terminal(
    database_url: str, slack: Slack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Terminal:
    return live_terminal(database_url, slack, tmp_path, monkeypatch, capsys)


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


# ---- a whole run


@pytest.mark.slow
async def test_every_step_is_as_expected_if_slack_behaves_as_documented(terminal: Terminal, slack: Slack) -> None:
    result = await run_live(terminal, slack)
    assert [line for line in result.steps if not line.startswith("as expected")] == []
    assert len(result.steps) == len(STEPS)
    assert result.command.code == 0
    assert result.command.out.splitlines()[-1].endswith(f"0 differs, 0 not tried; the report is in {REPORT}")
    assert all(what in result.report for what in BY_HAND)


async def test_the_run_says_first_what_it_does_and_how_to_stop(terminal: Terminal, slack: Slack) -> None:
    result = await run_live(terminal, slack, "scopes")
    first, second, *_ = result.command.out.splitlines()
    assert first.startswith(f"This posts sample cards to {REVIEWS} and asks you to press and look.")
    assert second.startswith("Stop `countersign serve` first")
    assert "Ctrl-C ends the run" in second


async def test_the_messages_of_the_run_are_deleted_at_its_end(terminal: Terminal, slack: Slack) -> None:
    await run_live(terminal, slack, "card: action, hard", "direct message")
    assert slack.messages(REVIEWS) == []
    assert slack.messages(RITA) == []


async def test_the_messages_stay_if_the_operator_wants_to_keep_them(terminal: Terminal, slack: Slack) -> None:
    await run_live(terminal, slack, "card: action, hard", more=("--keep",))
    assert "approve" in slack.messages(REVIEWS)[-1].action_ids


async def test_the_run_receives_clicks_over_http_without_an_app_level_token(
    terminal: Terminal, slack: Slack, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free_port()
    monkeypatch.delenv("SLACK_APP_TOKEN")
    monkeypatch.setenv("COUNTERSIGN_PORT", str(port))
    slack.app_at(f"http://127.0.0.1:{port}{SLACK_PATH}")
    result = await run_live(terminal, slack, "hello", "click", "markup", "slash command")
    assert [line.split(":")[0] for line in result.steps] == [
        "not tried    hello",
        "as expected  click",
        "as expected  markup",
        "as expected  slash command",
    ]


async def test_the_report_holds_no_token_and_no_address_of_slack(terminal: Terminal, slack: Slack) -> None:
    result = await run_live(terminal, slack, "scopes", "hello", "click", "private chart")
    secrets = (slack.bot_token, slack.app_token, slack.signing_secret, slack.workspace.base_url)
    assert [secret for secret in secrets if secret in result.report + result.command.out] == []


# ---- clicks that do not count


async def test_a_click_on_a_message_of_another_program_is_refused_and_does_not_count(
    terminal: Terminal, slack: Slack
) -> None:
    button = {"type": "button", "text": {"type": "plain_text", "text": "Approve"}, "action_id": "approve"}

    async def click_a_foreign_card() -> None:
        web = AsyncWebClient(slack.bot_token, base_url=slack.api_url)
        await web.chat_postMessage(channel=REVIEWS, text="A card", blocks=[{"type": "actions", "elements": [button]}])
        outcome = await slack.click(RITA, slack.messages(REVIEWS)[-1], "approve")
        assert outcome.status == 200

    result = await run_live(terminal, slack, "scopes", at_begin=click_a_foreign_card)
    assert [note.text for note in slack.private_notes(RITA)] == [NOT_OURS]
    assert result.only_step == "as expected  scopes"


async def test_only_the_person_who_began_the_run_can_answer_it(terminal: Terminal, slack: Slack) -> None:
    refusals: list[str] = []

    async def intrude() -> None:
        await Operator(slack).press(slack.messages(REVIEWS)[0], "Begin")
        question = await slack.until(
            lambda: next((one for one in slack.messages(REVIEWS) if "As described" in one.labels), None)
        )
        await slack.click(ROSS, question, question.action_ids[0])
        refusals.extend(note.text for note in slack.private_notes(ROSS))

    result = await run_live(terminal, slack, "markup", at_begin=intrude)
    assert refusals == [NOT_YOU]
    assert result.only_step == "as expected  markup"


# ---- ends


# The tests may run in the background of a shell, where programs ignore Ctrl-C.
IN_THE_FOREGROUND = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from bot.cli import main; main()"
)


async def test_ctrl_c_writes_the_report_of_what_was_done(terminal: Terminal, slack: Slack) -> None:
    program = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", IN_THE_FOREGROUND, "doctor", "--live", REVIEWS),
        cwd=terminal.folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=PIPE,
    )
    operator = Operator(slack)
    await operator.answer(await operator.next_question())
    await operator.next_question()
    program.send_signal(signal.SIGINT)
    out, _ = await program.communicate()
    assert program.returncode == 130
    lines = out.decode().splitlines()
    assert [line[:11] for line in lines[3:6]] == ["as expected"] * 3
    assert {line[:9] for line in lines[6:-1]} == {"not tried"}
    assert "the run was stopped before" in (terminal.folder / REPORT).read_text()
    assert slack.messages(REVIEWS) == []


def test_a_report_that_exists_is_never_overwritten(terminal: Terminal, slack: Slack) -> None:
    terminal.file(REPORT, "of yesterday")
    line = terminal("doctor", "--live", REVIEWS).line
    assert line == f"countersign: {REPORT} exists already; name another file with --report"
    assert (terminal.folder / REPORT).read_text() == "of yesterday"
    assert slack.calls == []


def test_an_unknown_step_is_refused_with_the_names_of_all(terminal: Terminal) -> None:
    line = terminal("doctor", "--live", REVIEWS, "--step", "dance").line
    assert line.startswith("countersign: there is no step dance; the steps are: scopes; hello; click;")


async def test_a_channel_without_the_app_ends_the_run_with_what_to_do(terminal: Terminal, slack: Slack) -> None:
    slack.change_channel(REVIEWS, bot_in=False)
    result = await run_live(terminal, slack)
    assert result.command.err == (
        f"countersign: {REVIEWS}: Slack does not take a message (not_in_channel); type /invite @Countersign in it\n"
    )
    assert (result.command.code, result.report) == (1, "")


@pytest.mark.parametrize("token", ["SLACK_BOT_TOKEN", "SLACK_APP_TOKEN"])
async def test_a_wrong_token_ends_the_run_and_is_not_shown(
    terminal: Terminal, slack: Slack, monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    monkeypatch.setenv(token, "x-a-wrong-one")
    result = await run_live(terminal, slack)
    assert result.command.err == f"countersign: {token}: Slack refuses it (invalid_auth)\n"
    assert result.report == ""


async def test_a_port_that_is_taken_ends_the_run_with_what_to_do(
    terminal: Terminal, slack: Slack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SLACK_APP_TOKEN")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        monkeypatch.setenv("COUNTERSIGN_PORT", str(taken.getsockname()[1]))
        result = await run_live(terminal, slack)
    assert result.command.err.endswith("stop `countersign serve` first\n")
