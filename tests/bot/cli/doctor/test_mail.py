"""The doctor connects to the mail server, logs in, says what to do, and sends a test mail if asked to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from playground.slack import Slack
from tests.bot.cli.doctor.setup import faults_found, healthy_terminal, only_fault, run_doctor, workspace
from tests.bot.terminal import Terminal
from tests.mail_server import NO_SUCH_USER, USER, MailServer, open_mail_server
from tests.rules.world import DORA, RITA, ROSS, SENTA, SUSI

FROM = "countersign@example.com"


@pytest.fixture
async def server() -> AsyncIterator[MailServer]:
    async with open_mail_server() as started:
        yield started


@pytest.fixture
async def slack() -> AsyncIterator[Slack]:
    """Everyone has an address."""
    async with workspace() as slack:
        for user in (RITA, ROSS, SENTA, SUSI, DORA):
            slack.change_person(user, email=f"{user.lower()}@example.com")
        yield slack


@pytest.fixture
def terminal(  # noqa: PLR0917 - its fixtures
    database_url: str,
    server: MailServer,
    slack: Slack,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Terminal:
    """A terminal whose setup is healthy, with a mail server."""
    healthy = healthy_terminal(database_url, slack, tmp_path, monkeypatch, capsys)
    monkeypatch.setenv("COUNTERSIGN_SMTP_URL", server.url)
    monkeypatch.setenv("COUNTERSIGN_EMAIL_FROM", FROM)
    return healthy


async def test_a_mail_server_that_answers_is_named_and_gets_no_mail(terminal: Terminal, server: MailServer) -> None:
    result = await run_doctor(terminal)
    assert (result.code, server.got) == (0, [])
    assert f"ok     e-mail by {server.url} as {FROM}" in result.out.splitlines()


async def test_a_mail_server_that_is_not_there_is_a_fault(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COUNTERSIGN_SMTP_URL", "smtp://127.0.0.1:1")
    fault, fix = await only_fault(terminal)
    assert fault.startswith(f"e-mail by smtp://127.0.0.1:1 as {FROM}: ")
    assert fix == "check the host and the port in COUNTERSIGN_SMTP_URL, and that this machine can reach it"


async def test_a_login_that_the_server_does_not_know_is_a_fault_without_the_password(
    terminal: Terminal, server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COUNTERSIGN_SMTP_URL", server.url.replace("//", f"//{USER}:s3cret-word@"))
    (fault,) = await faults_found(terminal)
    assert "s3cret-word" not in str(fault)


async def test_a_test_mail_is_sent_and_nothing_else_is_checked(terminal: Terminal, server: MailServer) -> None:
    result = await asyncio.to_thread(terminal, "doctor", "--send-test", "rita@example.com")
    assert (result.code, result.out) == (0, "ok     test mail to rita@example.com\n")
    assert (server.only().recipient, server.only().subject) == ("rita@example.com", "Countersign can send mail")


@pytest.mark.parametrize(
    ("address", "fault"),
    [
        ("nobody", "it is not an e-mail address"),
        ("gone@example.com", "the mail server refuses this address: 550 5.1.1 No such user"),
    ],
)
async def test_a_test_mail_that_fails_says_why(
    terminal: Terminal, server: MailServer, address: str, fault: str
) -> None:
    server.to_recipients.append(NO_SUCH_USER)
    result = await asyncio.to_thread(terminal, "doctor", "--send-test", address)
    assert (result.code, server.got) == (1, [])
    assert result.out.splitlines()[0] == f"fault  test mail to {address}: {fault}"


async def test_people_who_can_never_be_mailed_are_named(terminal: Terminal, slack: Slack) -> None:
    slack.change_person(SUSI, email=None)
    fault, fix = await only_fault(terminal)
    assert fault == f"e-mail addresses: Slack shows none of {SUSI}, so they get no mails"
    assert fix == "let their profiles in Slack have one, and the app the scope users:read.email"
