"""The doctor's checks of Slack: every cause is one fault, with what to do about it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from playground.slack import Slack
from tests.bot.cli.doctor.setup import (
    NAMED,
    PRIVATE,
    REVIEWS,
    SPARE,
    faults_found,
    furnished_workspace,
    healthy_terminal,
    only_fault,
    run_doctor,
)
from tests.bot.terminal import Terminal

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

OF_THE_APP = "of the app at api.slack.com/apps"


@pytest.fixture
async def slack() -> AsyncIterator[Slack]:
    async with furnished_workspace() as slack:
        yield slack


@pytest.fixture
def terminal(
    database_url: str, slack: Slack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Terminal:
    """A healthy setup whose policy names channels and a user group."""
    terminal = healthy_terminal(database_url, slack, tmp_path, monkeypatch, capsys)
    terminal.file("policy.toml", NAMED)
    return terminal


async def test_every_check_of_a_healthy_slack_is_listed(terminal: Terminal) -> None:
    result = await run_doctor(terminal)
    assert result.code == 0
    assert result.out.splitlines()[10:] == [
        "ok     SLACK_BOT_TOKEN, which is UBOT in the workspace T1",
        "ok     scopes",
        "ok     clock, beside that of Slack",
        "skip   SLACK_SIGNING_SECRET: only a request from Slack can prove it",
        "skip   COUNTERSIGN_PUBLIC_URL, https://countersign.example.org/slack/events: the service itself proves it: see /readyz",
        "ok     channel C0REVIEWS, #reviews",
        "ok     channel C0SPARE, #spare",
        "ok     channel C0PRIVATE, #seniors",
        "ok     user group S0SENIORS, of 1",
        "ok     people, 4 of whom are known and active",
        "ok     role reviewer, in which 5 could decide",
        "ok     role senior_reviewer, in which 3 could decide",
        "ok     role supervisor, in which 2 could decide",
    ]


async def test_the_doctor_only_reads_from_slack(terminal: Terminal, slack: Slack) -> None:
    await run_doctor(terminal)
    looked = {call.method for call in slack.calls}
    assert looked == {
        "auth.test", "conversations.info", "users.list", "usergroups.users.list",
    }  # fmt: skip


# ---- tokens, scopes, address


@pytest.mark.parametrize("setting", ["SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET"])
async def test_a_setting_that_is_missing_is_named(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, setting: str
) -> None:
    monkeypatch.delenv(setting)
    fault, fix = await only_fault(terminal)
    assert fault.startswith("Slack: SLACK_")
    assert setting in fault
    assert fix == "put it into the environment or into .env"


async def test_a_missing_public_url_over_http_is_a_fault(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COUNTERSIGN_PUBLIC_URL")
    fault, fix = await only_fault(terminal)
    assert fault == "COUNTERSIGN_PUBLIC_URL: is not set, so silence never counts and every soft approval is hard"
    assert fix == "set it to the address that Slack calls, such as https://countersign.example.com"


@pytest.mark.parametrize("error", ["token_revoked", "account_inactive", "invalid_auth"])
async def test_a_bot_token_that_slack_refuses_is_the_only_fault(terminal: Terminal, slack: Slack, error: str) -> None:
    slack.workspace.token_error = error
    assert await only_fault(terminal) == (
        f"SLACK_BOT_TOKEN: Slack refuses it ({error})",
        f"copy the one that begins with xoxb-, under Install App {OF_THE_APP}",
    )


async def test_the_doctor_never_shows_a_token(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-a-wrong-one")
    result = await run_doctor(terminal)
    assert "invalid_auth" in result.out
    assert "a-wrong-one" not in result.out + result.err


async def test_missing_scopes_are_one_fault_and_checks_that_need_them_are_skipped(
    terminal: Terminal, slack: Slack
) -> None:
    slack.scopes = {"chat:write", "commands"}
    assert await only_fault(terminal) == (
        "scopes: the token lacks channels:read, groups:read, usergroups:read, users:read, users:read.email",
        f"paste manifest.yml again under App Manifest {OF_THE_APP}, and install it again",
    )


@pytest.mark.parametrize(
    "scope",
    ["chat:write", "commands", "users:read.email", "users:read", "usergroups:read", "groups:read", "channels:read"],
)
async def test_every_missing_scope_is_reported(terminal: Terminal, slack: Slack, scope: str) -> None:
    slack.scopes = slack.scopes - {scope}
    fault, _ = await only_fault(terminal)
    assert fault == f"scopes: the token lacks {scope}"


async def test_the_app_level_token_is_tested_in_socket_mode(
    terminal: Terminal, slack: Slack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLACK_APP_TOKEN", slack.app_token)
    assert "ok     SLACK_APP_TOKEN\n" in (await run_doctor(terminal)).out
    slack.faults.error("apps.connections.open", "not_allowed_token_type")
    fault, fix = await only_fault(terminal)
    assert fault == "SLACK_APP_TOKEN: Slack refuses it (not_allowed_token_type)"
    assert "connections:write" in fix


async def test_checks_that_need_a_missing_scope_are_skipped(terminal: Terminal, slack: Slack) -> None:
    slack.scopes = {"chat:write", "commands"}
    lines = (await run_doctor(terminal)).out.splitlines()
    because = "Slack does not show it without the scope that is missing"
    assert [line for line in lines if line.split()[1] in ("channel", "people")] == [
        f"skip   channel {REVIEWS}: {because}",
        f"skip   channel {SPARE}: {because}",
        f"skip   channel {PRIVATE}: {because}",
        f"skip   people and roles: {because}",
    ]


async def test_a_refused_list_of_people_is_a_fault(terminal: Terminal, slack: Slack) -> None:
    slack.faults.error("users.list", "not_allowed")
    fault, _ = await only_fault(terminal)
    assert fault == "people: Slack does not list them (not_allowed)"


# ---- Slack itself


async def test_an_unreachable_slack_is_one_fault(terminal: Terminal, slack: Slack) -> None:
    await slack.go_down()
    fault, fix = await only_fault(terminal)
    assert fault.startswith(f"Slack at {slack.api_url}: it does not answer (")
    assert fix == "check that this machine reaches it and that SLACK_API_URL is right, then try again"


async def test_faults_found_before_slack_stops_answering_are_kept(terminal: Terminal, slack: Slack) -> None:
    slack.change_channel(REVIEWS, archived=True)
    slack.faults.status(503, "users.list")
    (archive, _), (silent, _) = await faults_found(terminal)
    assert archive.endswith("it is archived")
    assert silent.endswith("it does not answer (HTTP 503)")


async def test_a_rate_limit_of_slack_is_reported_as_busy(terminal: Terminal, slack: Slack) -> None:
    slack.faults.rate_limited("users.list", seconds=30)
    fault, _ = await only_fault(terminal)
    assert fault.endswith("it does not answer (ratelimited)")


@pytest.mark.parametrize("off", [timedelta(minutes=10), timedelta(minutes=-10)], ids=["ahead", "behind"])
async def test_a_clock_that_differs_from_slacks_clock_is_a_fault(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, off: timedelta
) -> None:
    monkeypatch.setattr("bot.cli.doctor.slack.machine_time", lambda: datetime.now(UTC) + off)
    fault, fix = await only_fault(terminal)
    assert fault.startswith("clock: it differs from Slack's by ")
    assert fix == "set the clock of this machine by NTP"


# ---- channels


def archive(slack: Slack) -> None:
    slack.change_channel(SPARE, archived=True)


def without_the_app(slack: Slack) -> None:
    slack.change_channel(SPARE, bot_in=False)


def share(slack: Slack) -> None:
    slack.change_channel(SPARE, shared=True)


def renumber(slack: Slack) -> None:
    slack.renumber(SPARE, "C0OTHER")


@pytest.mark.parametrize(
    ("happened", "fault", "fix"),
    [
        pytest.param(archive, "it is archived", "unarchive it, or name another one in the policy", id="archived"),
        pytest.param(without_the_app, "the app is not in it", "type /invite @Countersign in it", id="not invited"),
        pytest.param(
            share,
            "it is shared with another company, whose people would read the cards",
            "name another one in the policy",
            id="shared",
        ),
        pytest.param(
            renumber,
            "Slack does not show it (channel_not_found)",
            "correct its id in the policy; if it is a private one, type /invite @Countersign in it",
            id="unknown",
        ),
    ],
)
async def test_a_channel_that_cannot_be_used_is_a_fault(
    terminal: Terminal, slack: Slack, happened: Callable[[Slack], None], fault: str, fix: str
) -> None:
    happened(slack)
    assert await only_fault(terminal) == (f"channel {SPARE}: {fault}", fix)


async def test_a_private_channel_without_the_app_is_not_found(terminal: Terminal, slack: Slack) -> None:
    slack.change_channel(PRIVATE, bot_in=False)
    fault, fix = await only_fault(terminal)
    assert fault == f"channel {PRIVATE}: Slack does not show it (channel_not_found)"
    assert fix.endswith("if it is a private one, type /invite @Countersign in it")
