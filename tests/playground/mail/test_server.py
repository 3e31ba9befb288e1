"""The stand-in for a mail server speaks SMTP, and keeps what people get."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from email.message import EmailMessage
from smtplib import SMTP, SMTPRecipientsRefused
from urllib.parse import urlsplit

import pytest

from playground.browser.page_data import PageData
from playground.mail.server import mail_server
from playground.slack import Slack


@pytest.fixture
async def url(slack: Slack) -> AsyncIterator[str]:
    async with mail_server(slack.mailbox, slack.workspace) as url:
        yield url


def letter(to: str, subject: str = "A decision waits for you") -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "Countersign <bot@example.org>", to, subject
    message["Message-ID"] = "<1@example.org>"
    message.set_content("Mail cannot decide.\n")
    message.add_alternative("<p>Mail cannot decide.</p>\n", subtype="html")
    return message


async def send(url: str, message: EmailMessage) -> None:
    await asyncio.to_thread(_send, url, message)


def _send(url: str, message: EmailMessage) -> None:
    parts = urlsplit(url)
    with SMTP(parts.hostname or "", parts.port or 0, local_hostname="test") as client:
        client.send_message(message)


async def test_a_mail_is_in_the_mailbox_of_its_receiver_alone(slack: Slack, url: str) -> None:
    await send(url, letter("ann@example.org"))
    (arrived,) = slack.mailbox.of(["Ann@Example.org"])
    assert arrived.headers["Subject"] == "A decision waits for you"
    assert arrived.headers["From"] == "Countersign <bot@example.org>"
    assert arrived.text.splitlines() == ["Mail cannot decide."]
    assert arrived.html.strip() == "<p>Mail cannot decide.</p>"
    assert slack.mailbox.of(["ben@example.org"]) == []


async def test_the_newest_mail_is_the_first(slack: Slack, url: str) -> None:
    await send(url, letter("ann@example.org", "One"))
    await send(url, letter("ann@example.org", "Two"))
    subjects = [arrived.headers["Subject"] for arrived in slack.mailbox.of(["ann@example.org"])]
    assert subjects == ["Two", "One"]


async def test_an_address_that_nobody_has_is_refused(slack: Slack, url: str) -> None:
    with pytest.raises(SMTPRecipientsRefused) as refused:
        await send(url, letter("nobody@example.org"))
    assert refused.value.recipients["nobody@example.org"][0] == 550


async def test_a_mail_arrives_while_slack_is_down(slack: Slack, url: str) -> None:
    await slack.go_down()
    await send(url, letter("ann@example.org"))
    assert len(slack.mailbox.of(["ann@example.org"])) == 1


async def test_after_the_end_there_is_no_server(slack: Slack) -> None:
    async with mail_server(slack.mailbox, slack.workspace) as url:
        assert PageData(slack.workspace, "UANN", slack.mailbox).mail()
    assert PageData(slack.workspace, "UANN", slack.mailbox).mail() is None
    with pytest.raises(ConnectionRefusedError):
        await send(url, letter("ann@example.org"))
