"""Around the cards: the Home tab, the command, other channels, direct messages, and the choice of person."""

from __future__ import annotations

from playwright.async_api import expect

from tests.bot.slack.office import GUEST, Office
from tests.browser.scene import ADAM, CHANNEL, GRAVE, IN_BROWSER, RITA, ROSE, SECOND, SENTA, SOFT
from tests.browser.screen import Screen

pytestmark = IN_BROWSER

TITLE = GRAVE["title"]


async def test_home_lists_what_waits_and_its_buttons_open_details_and_forms(office: Office, screen: Screen) -> None:
    await office.submit_with_card(GRAVE)
    await office.submit_with_card(SOFT)
    await screen.page.get_by_role("link", name="Countersign Home").click()
    home = screen.page.locator("#home")
    await expect(home.get_by_role("heading", name="Waiting for you")).to_be_visible()
    await home.get_by_role("button", name=f"Details: {TITLE}").click()
    await expect(screen.dialog).to_contain_text("Exact parameters")
    await screen.page.keyboard.press("Escape")
    await expect(home.get_by_role("button", name=f"Details: {TITLE}")).to_be_focused()
    await screen.press(home, "I am away")
    until = screen.dialog.get_by_label("Away until")
    await until.fill("2026-11-25T09:00")
    await screen.dialog.get_by_label("Who stands in for you").select_option(label="Sven")
    await screen.submit("Save")
    await expect(home).to_contain_text("You are away")
    await screen.picture("home")


async def test_the_command_answers_with_a_private_note_with_text_and_charts(office: Office, screen: Screen) -> None:
    await office.submit_with_card(GRAVE)
    await screen.write("/reviews queue")
    await expect(screen.note).to_contain_text(TITLE)
    await screen.picture("command")
    await screen.write("/reviews stats 7d")
    await expect(screen.note.last).to_contain_text("Reviews in the last 7 days")
    await screen.picture("stats")


async def test_a_persons_message_is_shown_to_others_and_notifies_the_people_it_names(
    office: Office, screen: Screen
) -> None:
    await screen.write("@Rita, is the 2 < 3 & that all?")
    await expect(screen.card("@Rita, is the 2 < 3 & that all?")).to_be_visible()
    await screen.page.get_by_role("link", name="general").click()
    await expect(screen.page.get_by_role("heading", name="# general")).to_be_visible()
    await screen.become(RITA)
    sidebar = screen.page.get_by_role("navigation", name="Channels and messages")
    await expect(sidebar.get_by_role("link", name="reviews").get_by_label("1 that mention you")).to_be_visible()
    await sidebar.get_by_role("link", name="reviews").click()
    await expect(screen.page.locator(".mention.mine")).to_have_text("@Rita")
    await expect(sidebar.get_by_label("1 that mention you")).to_have_count(0)


async def test_everyone_who_can_act_is_listed_with_their_role(office: Office, screen: Screen) -> None:
    offered = screen.page.get_by_label("Acting as").get_by_role("option")
    names = await offered.all_inner_texts()
    assert "Senta · Senior reviewer" in names
    assert "Adam · Admin, admin" in names
    assert "Guest · guest" in names
    assert "Stranger · from another workspace" in names
    assert not {"Robot", "Gone", "Countersign"} & {name.split(" ")[0] for name in names}
    await screen.become(ADAM)
    await screen.write("/reviews help")
    await expect(screen.note).to_contain_text("/reviews")
    await screen.page.reload()
    await expect(screen.page.get_by_label("Acting as")).to_have_value(ADAM)


async def test_a_guest_is_refused_with_the_reason(office: Office, screen: Screen) -> None:
    office.slack.join(GUEST, CHANNEL)
    await office.submit_with_card(GRAVE)
    await screen.become(GUEST)
    await screen.press(screen.card(TITLE), "Approve")
    await expect(screen.dialog).to_contain_text("uest")


async def test_new_messages_below_are_a_button_away(office: Office, screen: Screen) -> None:
    await office.submit_with_card(GRAVE)
    for _ in range(4):  # more than one screen
        await office.submit_with_card(SOFT)
    await screen.become(ROSE)
    await screen.card(TITLE).get_by_role("button", name="Details").scroll_into_view_if_needed()
    await office.reviews(ROSE, "help", channel=CHANNEL)
    await expect(screen.note).not_to_be_in_viewport()
    await screen.page.get_by_role("button", name="A note to you").click()
    await expect(screen.note).to_be_in_viewport()
    await expect(screen.page.get_by_role("button", name="A note to you")).to_be_hidden()
    await screen.card(TITLE).get_by_role("button", name="Details").scroll_into_view_if_needed()
    office.slack.say(SENTA, CHANNEL, "Somebody has to look at this.")
    await screen.page.get_by_role("button", name="New message").click()
    await expect(screen.card("Somebody has to look")).to_be_in_viewport()


async def test_without_a_demo_there_is_no_panel_of_agents(office: Office, screen: Screen) -> None:
    await expect(screen.page.get_by_text("Not Slack: a stand-in on this machine")).to_be_visible()
    await expect(screen.page.get_by_role("complementary")).to_have_count(0)


async def test_people_see_a_channel_after_joining_and_not_after_leaving(office: Office, screen: Screen) -> None:
    sidebar = screen.page.get_by_role("navigation", name="Channels and messages")
    await expect(sidebar.get_by_role("link", name="general")).to_be_visible()
    office.slack.leave(SENTA, SECOND)
    await expect(sidebar.get_by_role("link", name="general")).to_have_count(0)
    office.slack.join(SENTA, SECOND)
    await expect(sidebar.get_by_role("link", name="general")).to_be_visible()
