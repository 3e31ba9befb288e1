"""The mailbox of the page: each person's mails, and one mail in a frame in which nothing acts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from email.message import EmailMessage
from typing import Literal

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from blocks.mail.mail import Mail, compose_mail
from blocks.mail.matter import Matter
from playground.api.posting import Content, Place, post
from playground.mail.server import mail_server
from playground.slack import Slack, stand_in
from rules.mail.reasons import MailReason
from tests.blocks.mail.letters import SOFT, TAKEOVER
from tests.blocks.packages import largest
from tests.blocks.story import Story
from tests.browser.screen import PHONE, WIDE, Scheme, Screen, window

pytestmark = pytest.mark.asyncio(loop_scope="session")

ANN, BEN = "UANN", "UBEN"
Media = Literal["screen", "print"]
SUBJECT = "An agent asks you to take over"


@pytest_asyncio.fixture(loop_scope="session")
async def slack() -> AsyncIterator[Slack]:
    async with stand_in() as workspace, mail_server(workspace.mailbox, workspace.workspace):
        for user, name in ((ANN, "Ann"), (BEN, "Ben")):
            workspace.add_person(user, name.lower(), real_name=name, email=f"{name.lower()}@example.org")
        workspace.add_channel("C1", "reviews", members=[ANN, BEN])
        yield workspace


def deliver(slack: Slack, mail: Mail, to: str = "ann@example.org") -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "Countersign <countersign@example.org>", to, mail.subject
    message["Date"], message["Message-ID"] = "Mon, 30 Nov 2026 10:12:00 +0000", f"<{mail.subject[:2]}@example.org>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(mail.text)
    message.add_alternative(mail.html, subtype="html")
    slack.mailbox.deliver(message.as_bytes(), [to])


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
async def test_nothing_of_a_mailbox_is_cut_overlaps_or_is_faint(
    slack: Slack, browser: Browser, size: tuple[int, int], scheme: Scheme
) -> None:
    deliver(slack, compose_mail([SOFT, TAKEOVER], more=5))
    deliver(slack, compose_mail([TAKEOVER]))
    deliver(slack, compose_mail([SOFT]), "ben@example.org")
    name = f"mail_{'phone' if size == PHONE else 'wide'}_{scheme}"
    async with window(browser, f"{slack.page_url}?as={ANN}#mail", size, scheme) as screen:
        await expect(screen.page.get_by_role("link", name=SUBJECT)).to_be_visible()
        await sound(screen, f"{name}_list")
        await screen.page.get_by_role("link", name=SUBJECT).click()
        await expect(screen.page.frame_locator("iframe").get_by_text("Where the agent stopped")).to_be_visible()
        await sound(screen, f"{name}_html")
        await screen.page.get_by_role("link", name="As plain text").click()
        await expect(screen.page.frame_locator("iframe").get_by_text("Where the agent stopped")).to_be_visible()
        await screen.page.locator("summary").click()
        await expect(screen.page.get_by_text("auto-generated")).to_be_visible()
        await sound(screen, f"{name}_text")
        assert screen.complaints == []


async def sound(screen: Screen, name: str) -> None:
    await screen.picture(name)
    assert await screen.measure("wider") == []
    assert await screen.measure("overlaps") == []
    assert await screen.measure("faint") == []
    assert await screen.measure("small") == []


async def test_a_mail_arrives_while_the_page_is_open_and_counts_until_it_is_read(
    slack: Slack, browser: Browser
) -> None:
    async with window(browser, f"{slack.page_url}?as={ANN}#channel/C1") as screen:
        mailbox = screen.page.get_by_role("navigation", name="Channels and messages").get_by_role("link", name="Mail")
        await expect(mailbox).to_be_visible()
        deliver(slack, compose_mail([TAKEOVER]))
        await expect(mailbox.get_by_label("1 unread mails")).to_be_visible()
        await mailbox.click()
        await screen.page.get_by_role("link", name=SUBJECT).click()
        await expect(screen.page.frame_locator("iframe").get_by_text("You cannot decide by mail")).to_be_visible()
        await expect(mailbox.get_by_label("1 unread mails")).to_have_count(0)


async def test_people_see_their_own_mails_and_who_else_has_some(slack: Slack, browser: Browser) -> None:
    deliver(slack, compose_mail([TAKEOVER]))
    async with window(browser, f"{slack.page_url}?as={BEN}#mail") as screen:
        await expect(screen.page.get_by_text("No mail.")).to_be_visible()
        await screen.page.get_by_role("button", name="Ann (1)").click()
        await expect(screen.page.get_by_label("Acting as")).to_have_value(ANN)
        await expect(screen.page.get_by_role("heading", name="Mail of Ann")).to_be_visible()
        await expect(screen.page.get_by_role("link", name=SUBJECT)).to_be_visible()


async def test_a_link_in_a_mail_leads_to_the_card(slack: Slack, browser: Browser) -> None:
    place = Place(channel=slack.workspace.channels["C1"])
    card = post(slack.workspace, place, Content(text="The card itself."))
    link = f"https://stand-in.slack.com/archives/C1/p{card.ts.replace('.', '')}"
    deliver(slack, compose_mail([TAKEOVER._replace(link=link)]))
    async with window(browser, f"{slack.page_url}?as={ANN}#mail/1") as screen:
        await screen.page.frame_locator("iframe").get_by_role("link", name="Open card").click()
        await expect(screen.card("The card itself.")).to_be_focused()
        assert screen.complaints == []


async def test_a_mail_cannot_run_a_script_send_a_form_or_fetch_anything(slack: Slack, browser: Browser) -> None:
    answered: list[str] = []
    evil = (
        "<h1>Look</h1><script>document.title = top.document.title = 'ran'</script><img src='/playground/page/mark.svg?seen'>"
        "<form action='/playground/act/home' method='post'><button>Approve</button></form>"
    )
    deliver(slack, Mail("Look", "Look", evil))
    async with window(browser, f"{slack.page_url}?as={ANN}#channel/C1") as screen:
        screen.page.on("response", lambda response: answered.append(response.url))
        await screen.page.evaluate("location.hash = 'mail/1'")
        frame = screen.page.frame_locator("iframe")
        await expect(frame.get_by_role("heading", name="Look")).to_be_visible()
        await frame.get_by_role("button", name="Approve").click()
        await expect(screen.page).to_have_title("Mail of Ann · Playground, not Slack")
        assert [url for url in answered if "seen" in url or "/act/" in url] == []


async def test_without_a_mail_server_the_page_has_no_mailbox(slack: Slack, browser: Browser) -> None:
    slack.mailbox.url = None
    async with window(browser, f"{slack.page_url}?as={ANN}#channel/C1") as screen:
        await expect(screen.page.get_by_role("link", name="reviews")).to_be_visible()
        await expect(screen.page.get_by_role("link", name="Mail", exact=True)).to_have_count(0)


@pytest.mark.parametrize("media", ["screen", "print"])
async def test_the_largest_mail_is_no_wider_than_a_phone(slack: Slack, browser: Browser, media: Media) -> None:
    deliver(slack, compose_mail([Matter(MailReason.TAKEOVER, Story(largest()).dossier())]))
    async with window(browser, f"{slack.page_url}/mail/1/html?as={ANN}", PHONE) as screen:
        await screen.page.emulate_media(media=media)
        await expect(screen.page.get_by_role("heading", name="Exactly what is proposed")).to_be_visible()
        width = await screen.page.evaluate("document.scrollingElement.scrollWidth")
        assert width <= PHONE[0]
