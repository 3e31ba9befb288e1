"""Mails on the page: each person sees their own, and a mail can do nothing there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from email.message import EmailMessage
from typing import Any

import aiohttp
import pytest

from playground.browser.page_data import PageData
from playground.mail.mailbox import Letter
from playground.mail.server import mail_server
from playground.slack import Slack

LINK = "https://stand-in.slack.com/archives/C1/p1795262400000100"


@pytest.fixture(autouse=True)
async def url(slack: Slack) -> AsyncIterator[str]:
    async with mail_server(slack.mailbox, slack.workspace) as url:
        yield url


def deliver(slack: Slack, *recipients: str, html: str = "<p>Hello</p>") -> Letter:
    message = EmailMessage()
    message["From"], message["Subject"] = "Countersign <bot@example.org>", "Zwei Entscheidungen für Sie"
    message.set_content("Mail cannot decide.\n\nOpen the card.\n")
    message.add_alternative(html, subtype="html")
    return slack.mailbox.deliver(message.as_bytes(), recipients)


def seen_by(slack: Slack, user: str) -> dict[str, Any]:
    mail = PageData(slack.workspace, user, slack.mailbox).mail()
    assert mail is not None
    return mail


async def test_people_see_their_own_mails_and_how_many_others_have(slack: Slack) -> None:
    letter = deliver(slack, "ANN@example.org")
    ann, ben = seen_by(slack, "UANN"), seen_by(slack, "UBEN")
    headers = {"From": "Countersign <bot@example.org>", "Subject": "Zwei Entscheidungen für Sie"}
    assert ann == {
        "address": "ann@example.org",
        "letters": [{"id": letter.id, "headers": headers, "preview": "Mail cannot decide. Open the card."}],
        "others": [],
    }
    assert ben == {"address": "ben@example.org", "letters": [], "others": [{"user": "UANN", "count": 1}]}


async def test_without_a_mail_server_there_is_no_mailbox(slack: Slack) -> None:
    slack.mailbox.url = None
    assert PageData(slack.workspace, "UANN", slack.mailbox).mail() is None


async def test_the_parts_of_a_mail_are_documents_that_can_do_nothing(
    slack: Slack, session: aiohttp.ClientSession
) -> None:
    letter = deliver(slack, "ann@example.org", html="<p>Hello <script>alert(1)</script></p>")
    address = f"{slack.page_url}/mail/{letter.id}"
    async with session.get(f"{address}/html", params={"as": "UANN"}) as answer:
        policy = answer.headers["Content-Security-Policy"]
        assert answer.content_type == "text/html"
        assert "<p>Hello" in await answer.text()
    assert "default-src 'none'" in policy
    assert "sandbox allow-top-navigation-by-user-activation" in policy
    assert "allow-scripts" not in policy
    async with session.get(f"{address}/text", params={"as": "UANN"}) as answer:
        assert answer.content_type == "text/plain"
        assert "Mail cannot decide." in await answer.text()


@pytest.mark.parametrize(("number", "user"), [("1", "UBEN"), ("1", ""), ("2", "UANN"), ("x", "UANN")])
async def test_nobody_reads_a_mail_of_someone_else(
    slack: Slack, session: aiohttp.ClientSession, number: str, user: str
) -> None:
    deliver(slack, "ann@example.org")
    async with session.get(f"{slack.page_url}/mail/{number}/html", params={"as": user}) as answer:
        assert answer.status == 404


async def test_another_site_cannot_read_a_mail(slack: Slack, session: aiohttp.ClientSession) -> None:
    deliver(slack, "ann@example.org")
    origin = {"Origin": "https://evil.example"}
    async with session.get(f"{slack.page_url}/mail/1/html", params={"as": "UANN"}, headers=origin) as answer:
        assert answer.status == 403


async def test_a_link_to_a_card_opens_the_page_instead_of_slack(slack: Slack, session: aiohttp.ClientSession) -> None:
    deliver(slack, "ann@example.org", html=f'<a href="{LINK}">Open card</a> <a href="https://e.example/">Else</a>')
    async with session.get(f"{slack.page_url}/mail/1/html", params={"as": "UANN"}) as answer:
        html = await answer.text()
    assert '<a target="_top" href="/playground#message/C1/1795262400.000100">Open card</a>' in html
    assert '<a href="https://e.example/">Else</a>' in html
