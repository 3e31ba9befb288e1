"""The demo's stories as a newcomer sees them: in the browser, beside the agents' panel."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, Request, Route, expect

from tests.bot.demo.visitor import visiting
from tests.browser.screen import PHONE, WIDE, Scheme, Screen, window

pytestmark = pytest.mark.asyncio(loop_scope="session")

NOTICE, MAIL, DELETION = "Send enforcement notice", "Send e-mail", "customer records"
RECEIPT, QUESTION, PLAN = "Tell Quayside Fish", "Which address of Entity ABC", "Inspection plan"
CUT = "all => all.filter(each => each.scrollHeight > each.clientHeight + 1).map(each => each.textContent)"
TAKEOVER = "contradict each other"


@pytest_asyncio.fixture(loop_scope="session")
async def address(tmp_path: Path) -> AsyncIterator[str]:
    async with visiting(tmp_path / "demo") as visitor:
        yield f"{visitor.demo.url}/playground"


@pytest_asyncio.fixture(loop_scope="session")
async def screen(address: str, browser: Browser) -> AsyncIterator[Screen]:
    async with window(browser, address) as opened_screen:
        yield opened_screen
        assert opened_screen.complaints == []


def agent(screen: Screen, title: str) -> Locator:
    """The agent's lines on the panel."""
    return screen.page.locator("#agent-list > li").filter(has=screen.page.get_by_role("heading", name=title))


async def go(screen: Screen, channel: str, user: str) -> None:
    await screen.become(user)
    await screen.page.get_by_role("link", name=channel).click()


async def approve(screen: Screen, card: Locator) -> None:
    """A grave approval."""
    await screen.press(card, "Approve")
    await screen.dialog.get_by_role("checkbox").check()
    await screen.dialog.get_by_label("Why you approve").fill("I read the file.")
    await screen.submit("Approve")
    await expect(screen.dialog).to_be_hidden()


async def send(screen: Screen, label: str, words: str) -> None:
    """Fill in and submit the open form."""
    await screen.dialog.get_by_role("textbox", name=label).fill(words)
    await screen.dialog.locator("[type=submit]").click()
    await expect(screen.dialog).to_be_hidden()


async def test_the_notice_is_refused_revised_approved_by_two_and_sent_once(screen: Screen) -> None:
    card, agent_lines = screen.card(NOTICE), agent(screen, "Enforcement notice")
    await go(screen, "enforcement", "UNORA")
    await screen.press(card, "Approve")
    await expect(screen.dialog).to_contain_text("You asked for this, so someone else must approve it.")
    await screen.picture("demo_refused")
    await screen.page.keyboard.press("Escape")
    await go(screen, "enforcement", "USENTA")
    await screen.press(card, "Revise")
    await send(screen, "What the agent should change", "Give them 21 days.")
    await expect(agent_lines).to_contain_text("Version 2")
    await expect(card).to_contain_text("Version 2")
    await approve(screen, card)
    await expect(agent_lines).to_contain_text("1 of 2 people have approved")
    await go(screen, "enforcement", "USUSAN")
    await approve(screen, card)
    await expect(agent_lines).to_contain_text("with 21 days to answer.")
    await expect(agent_lines.locator(".last")).to_have_text(
        re.compile("^DidA second worker asked for it too and was refused")
    )
    await expect(card).to_contain_text("carried out")
    await card.evaluate("each => each.scrollIntoView()")  # in the page: the card may be redrawn meanwhile
    await screen.picture("demo_notice")


async def test_a_newcomer_is_led_to_the_first_card_as_a_person_who_may_decide_it(screen: Screen) -> None:
    await screen.page.get_by_role("button", name="Try it as Senta: Enforcement notice").click()
    await expect(screen.page.get_by_label("Acting as")).to_have_value("USENTA")
    await expect(screen.card(NOTICE)).to_be_in_viewport()
    await screen.picture("demo_led")
    await expect(screen.card(NOTICE).get_by_role("button", name="Approve")).to_be_visible()


async def test_a_phone_first_shows_what_to_try(address: str, browser: Browser) -> None:
    async with window(browser, address, PHONE) as screen:
        await expect(screen.page.get_by_role("heading", name="Try it")).to_be_visible()
        await screen.page.get_by_role("button", name="Try it as Rita: A question").tap()
        await expect(screen.card(QUESTION)).to_be_in_viewport()
        await screen.picture("demo_led_phone")
        assert screen.complaints == []


async def test_a_corrected_email_is_sent_as_corrected(screen: Screen) -> None:
    await go(screen, "reviews", "URITA")
    await screen.press(screen.card(MAIL), "Details")
    await screen.press(screen.dialog, "Edit and approve")
    body = screen.dialog.get_by_label("body", exact=True)
    await body.fill((await body.input_value()).replace("10 December", "15 December"))
    await screen.dialog.get_by_label("Why you edit it").fill("They have until the 15th.")
    await screen.dialog.locator("[type=submit]").click()
    await screen.dialog.get_by_role("checkbox").check()
    await screen.picture("demo_edited")
    await screen.dialog.locator("[type=submit]").click()
    await expect(screen.dialog).to_be_hidden()
    await expect(agent(screen, "E-mail assistant")).to_contain_text("corrected my draft, so I send their version")
    await expect(screen.card(MAIL)).to_contain_text("carried out")


async def test_after_a_rejected_email_the_story_starts_again_with_another(screen: Screen) -> None:
    await go(screen, "reviews", "UROSS")
    await screen.press(screen.card(MAIL), "Reject")
    await send(screen, "Why you reject it", "They renewed it yesterday.")
    await expect(agent(screen, "E-mail assistant")).to_contain_text("because there is no permission")
    await screen.page.get_by_role("button", name="Start again: E-mail assistant").click()
    await expect(screen.card("The appointment for your inspection")).to_be_visible()
    await screen.picture("demo_again")


async def test_the_deletion_opens_approve_once_details_were_read(screen: Screen) -> None:
    card = screen.card(DELETION).first
    await go(screen, "data-protection", "USVEN")
    await screen.press(card, "Approve")
    await expect(screen.dialog).to_contain_text("Open Details")
    await screen.page.keyboard.press("Escape")
    for user, shown in (("USVEN", "1 of 2"), ("USUSAN", "approved this")):
        await screen.become(user)
        await screen.press(card, "Details")
        await expect(screen.dialog).to_contain_text("Details")
        await screen.page.keyboard.press("Escape")
        await approve(screen, card)
        await expect(card).to_contain_text(shown)  # a card that is redrawn loses a click
    await expect(agent(screen, "Deletion of data")).to_contain_text("Deleted 1,204 rows")
    await screen.picture("demo_deletion")


async def test_moving_time_on_lets_the_receipt_go_by_silence(screen: Screen) -> None:
    await screen.page.get_by_role("button", name="Try it as Ross: A receipt that is sent if nobody objects").click()
    await expect(screen.card(RECEIPT)).to_contain_text("unless someone objects")
    await go(screen, "reviews", "URITA")
    await screen.page.get_by_role("button", name="+5 min").click()
    await expect(screen.page.get_by_text("5 minutes ahead of the real clock")).to_be_visible()
    await expect(agent(screen, "A receipt that is sent if nobody objects")).to_contain_text("consent by silence")
    await expect(screen.card(RECEIPT)).to_contain_text("not an approval")
    await screen.picture("demo_consented")


async def test_a_double_click_moves_time_once(screen: Screen) -> None:
    asked: list[Request] = []
    clicked = asyncio.Event()

    async def hold_request(route: Route) -> None:
        asked.append(route.request)
        await clicked.wait()
        await route.continue_()

    await screen.page.route("**/playground/demo/time", hold_request)
    await screen.page.get_by_role("button", name="+5 min").dblclick()
    clicked.set()
    await expect(
        screen.page.get_by_text("5 minutes ahead of the real clock. Messages show the real time.")
    ).to_be_visible()
    await expect(trouble(screen)).to_have_text("")
    assert len(asked) == 1


def trouble(screen: Screen) -> Locator:
    return screen.page.locator("#agents .trouble")


async def test_a_story_that_someone_else_has_restarted_says_so(screen: Screen) -> None:
    async def late(route: Route) -> None:
        assert (await screen.page.request.post(route.request.url, headers=route.request.headers)).ok
        await route.continue_()

    await go(screen, "reviews", "UROSS")
    await screen.press(screen.card(MAIL), "Reject")
    await send(screen, "Why you reject it", "They renewed it yesterday.")
    await screen.page.route("**/playground/demo/stories/*", late)
    await screen.page.get_by_role("button", name="Start again: E-mail assistant").click()
    await expect(trouble(screen)).to_have_text("It is still running: its card waits for a reviewer.")
    await expect(trouble(screen)).to_be_in_viewport()
    assert [complaint for complaint in screen.complaints if "409" not in complaint] == []
    screen.complaints.clear()


async def test_the_business_clock_goes_on_by_itself(screen: Screen) -> None:
    await screen.page.clock.install()
    await screen.page.reload()
    now = screen.page.locator("#now time")
    before = datetime.fromisoformat(await now.get_attribute("datetime") or "")
    shown = await now.inner_text()
    await screen.page.clock.fast_forward("01:00:00")
    await expect(now).not_to_have_text(shown)
    after = datetime.fromisoformat(await now.get_attribute("datetime") or "")
    assert after - before >= timedelta(hours=1)


async def test_a_view_without_messages_of_the_app_says_so(screen: Screen) -> None:
    await screen.become("UNORA")
    await screen.page.get_by_role("link", name="Countersign Home").click()
    await screen.page.get_by_role("link", name="Messages", exact=True).click()
    nothing = screen.page.get_by_text("Nothing yet. Countersign writes to you here")
    await expect(nothing).to_be_visible()
    await screen.picture("demo_nothing")
    await go(screen, "enforcement", "USENTA")
    await expect(screen.card(NOTICE)).to_be_visible()
    await expect(nothing).to_have_count(0)


async def test_after_a_day_the_notice_goes_to_the_director(screen: Screen) -> None:
    await go(screen, "enforcement", "UDORA")
    await expect(screen.card(NOTICE)).to_be_visible()
    await screen.page.get_by_role("button", name="+1 day").click()
    await expect(agent(screen, "Enforcement notice")).to_contain_text("waiting for a director")
    await screen.card(NOTICE).get_by_role("link", name="repl").click()
    await expect(screen.thread).to_contain_text("director")
    await screen.picture("demo_climbed")


async def test_a_question_is_answered(screen: Screen) -> None:
    await go(screen, "enforcement", "URITA")
    await screen.press(screen.card(QUESTION), "Another answer")
    await screen.dialog.get_by_role("radio", name="Another answer").check()
    await screen.dialog.get_by_role("textbox", name="Another answer").fill("40 Quay Street: I was there in May.")
    await screen.dialog.locator("[type=submit]").click()
    await expect(agent(screen, "A question")).to_contain_text(
        "Wrote into the draft: “40 Quay Street: I was there in May.”"
    )


async def test_a_plan_is_discussed_revised_and_approved(screen: Screen) -> None:
    card = screen.card(PLAN)
    await go(screen, "enforcement", "URITA")
    await screen.press(card, "Details")
    await screen.press(screen.dialog, "Comment")
    await screen.dialog.get_by_role("textbox", name="Comment").fill("What of the bakeries?")
    await screen.dialog.locator("[type=submit]").click()
    await expect(card).to_contain_text("What of the bakeries?")
    await screen.page.keyboard.press("Escape")
    await screen.become("UROSS")
    await screen.press(card, "Revise")
    await send(screen, "What the agent should change", "Add the bakeries.")
    await expect(card).to_contain_text("As asked in review: Add the bakeries.")
    await screen.press(card, "Approve")
    await expect(agent(screen, "A plan, discussed")).to_contain_text("into the calendar, in 4 steps")
    await screen.picture("demo_plan")


async def test_a_person_takes_over_and_hands_back(screen: Screen) -> None:
    card, agent_lines = screen.card(TAKEOVER), agent(screen, "A takeover, and back")
    await go(screen, "enforcement", "URITA")
    await screen.press(card, "Take over")
    await send(screen, "Comment", "I call the inspector.")
    await expect(agent_lines).to_contain_text("409 thread-taken-over")
    await expect(card.get_by_role("button", name="Take over")).to_have_count(0)  # a card that is redrawn loses a click
    await screen.press(card, "Details")
    await screen.press(screen.dialog, "Hand back")
    await screen.dialog.get_by_role("textbox", name="Comment").fill("It is a minor breach.")
    await screen.dialog.locator("[type=submit]").click()
    await expect(agent_lines).to_contain_text("Added a note to case")
    await screen.picture("demo_takeover")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
async def test_nothing_of_the_panel_is_cut_overlaps_or_is_faint(
    address: str, browser: Browser, size: tuple[int, int], scheme: Scheme
) -> None:
    async with window(browser, f"{address}#agents", size, scheme) as screen:
        await expect(agent(screen, "A read that needs nobody")).to_contain_text("Reported: succeeded")
        assert await screen.page.locator(".last .what").evaluate_all(CUT) == []
        await screen.page.get_by_text("Everything that the agent did").first.click()
        await screen.picture(f"demo_panel_{'phone' if size == PHONE else 'wide'}_{scheme}")
        assert await screen.measure("wider") == []
        assert await screen.measure("overlaps") == []
        assert await screen.measure("faint") == []
        assert await screen.measure("small") == []
        assert screen.complaints == []


async def test_with_slack_down_for_ten_minutes_what_waits_for_rita_is_in_one_mail(screen: Screen) -> None:
    page, mail = screen.page, screen.page.get_by_role("link", name="decisions wait for you")
    await go(screen, "enforcement", "URITA")
    await expect(screen.card(QUESTION)).to_be_visible()
    await screen.slack_is("down")
    await page.get_by_role("button", name="Try it as Ross: A receipt that is sent if nobody objects").click()
    await expect(agent(screen, "A receipt that is sent if nobody objects")).to_contain_text("Pending")
    await screen.become("URITA")
    sooner = page.get_by_role("button", name="+5 min")
    for minutes in (5, 10):
        await sooner.click()
        await expect(page.get_by_text(f"{minutes} minutes ahead of the real clock")).to_be_visible()
        await expect(sooner).not_to_have_attribute("aria-busy", "true")  # until then it ignores clicks
    await page.get_by_role("navigation", name="Channels and messages").get_by_role("link", name="Mail").click()
    await expect(mail).to_have_count(1)
    await screen.picture("demo_mailbox")
    await mail.click()
    frame = page.frame_locator("iframe")
    await expect(
        frame.get_by_text(
            "Countersign cannot use Slack right now. You cannot decide by mail: open the cards once Slack works again."
        )
    ).to_be_visible()
    await expect(frame.get_by_text("Which address of Entity ABC")).to_be_visible()
    await expect(frame.get_by_text(RECEIPT)).to_be_visible()
    await screen.picture("demo_mail")
    await screen.slack_is("working")
    await frame.get_by_role("link", name="Open card").first.click()
    await expect(page.locator("#messages > .message:focus")).to_be_visible()
    await screen.picture("demo_mail_followed")
    await page.get_by_role("link", name="reviews").click()
    await expect(screen.card(RECEIPT)).to_be_visible()
