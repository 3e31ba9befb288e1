"""The filter of Home, and the words after `/reviews queue`."""

from __future__ import annotations

from typing import Any

import pytest

from store.packages import paging
from tests.bot.slack.forms import submit_forged
from tests.bot.slack.home.test_home import ask, at_home, home, titles
from tests.bot.slack.office import ADAM, HARD, RITA, SENTA, SOFT, Office

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


async def filtered(office: Office, user: str, values: dict[str, Any]) -> list[str]:
    await home(office, user)
    await office.slack.click_home(user, "home_filter")
    assert (await office.slack.submit(user, values)).errors == {}
    await office.finish_background()
    return titles(at_home(office, user))


async def ask_variously(office: Office) -> None:
    await ask(office, 1)
    await ask(office, 2, HARD)
    await ask(office, 3, SOFT | {"action_type": "record.note", "subject_type": "invoice", "subject_id": "Ünal-7"})


@pytest.mark.parametrize(
    ("values", "matching"),
    [
        pytest.param({"agent": "cler"}, ["Ask 2", "Ask 1", "Ask 3"], id="a part of the agent's name"),
        pytest.param({"agent": "somebody"}, [], id="another agent"),
        pytest.param({"action_type": "NOTE"}, ["Ask 3"], id="a part of the action type"),
        pytest.param({"risk": "High"}, ["Ask 2"], id="a risk"),
        pytest.param({"words": "high ask"}, ["Ask 2"], id="the name of a risk among the words"),
        pytest.param({"words": "medium", "risk": "High"}, [], id="the name of a risk as a word beside a risk"),
        pytest.param({"words": "ünal INVOICE"}, ["Ask 3"], id="words of the subject"),
        pytest.param({"words": "ask 1"}, ["Ask 1"], id="words of the title"),
        pytest.param({"words": "read_%"}, [], id="characters that databases know"),
        pytest.param({"action_type": "record", "risk": "Medium", "words": "2"}, [], id="all of it must match"),
    ],
)
async def test_home_shows_what_matches_the_filter(office: Office, values: dict[str, Any], matching: list[str]) -> None:
    await ask_variously(office)
    assert await filtered(office, SENTA, values) == matching


async def test_the_filter_stays_while_pages_are_turned_and_after_a_decision_until_it_is_cleared(office: Office) -> None:
    for number in range(12):
        await ask(office, number, SOFT | {"subject_id": "even" if number % 2 else "odd", "subject_type": "order"})
    for number in range(12, 18):
        await ask(office, number, SOFT | {"subject_id": "even", "subject_type": "order"})
    assert len(await filtered(office, RITA, {"words": "even"})) == 10
    await office.slack.click_home(RITA, "home_mine")
    assert titles(at_home(office, RITA)) == ["Ask 16", "Ask 17"]
    assert "Filter: “even”" in at_home(office, RITA).shown
    approve = next(element for element in at_home(office, RITA).elements if element.action_id == "approve")
    await office.slack.click_home(RITA, "approve", block_id=approve.block_id)
    await office.slack.submit(RITA)
    await office.finish_background()
    assert "Filter: “even”" in at_home(office, RITA).shown
    await office.slack.click_home(RITA, "home_clear")
    assert "Filter: " not in at_home(office, RITA).shown
    assert titles(at_home(office, RITA))[:2] == ["Ask 0", "Ask 1"]


async def test_the_filter_stays_after_a_decision_in_a_form_that_was_opened_from_details(office: Office) -> None:
    """It is in the views themselves, so any replica can draw Home again."""
    await ask_variously(office)
    await filtered(office, SENTA, {"words": "ask", "risk": "High"})
    await office.slack.click_home(SENTA, "details")
    await office.slack.click_modal(SENTA, "reject")
    await office.slack.submit(SENTA, {"comment": "No."})
    await office.finish_background()
    assert "Filter: high risk, “ask”" in at_home(office, SENTA).shown


async def test_a_thread_can_be_held_from_details_that_were_opened_from_a_filtered_home(office: Office) -> None:
    proposal = await ask(office, 1, SOFT | {"thread_id": "case-456"})
    await filtered(office, RITA, {"words": "ask"})
    await office.slack.click_home(RITA, "details")
    await office.slack.click_modal(RITA, "thread_hold")
    await office.slack.submit(RITA, {"comment": "The customer is calling."})
    assert (await office.state(proposal)).hold is not None


async def test_home_opens_without_a_filter_and_the_form_shows_the_present_one(office: Office) -> None:
    await ask_variously(office)
    await filtered(office, SENTA, {"words": "ask", "risk": "High"})
    await office.slack.click_home(SENTA, "home_filter")
    form = office.slack.modal(SENTA)
    assert form is not None
    assert [block["element"].get("initial_value") for block in form.blocks] == [None, None, None, "ask"]
    await office.slack.close(SENTA)
    assert len(titles(await home(office, SENTA))) == 3


async def test_a_filter_without_a_match_says_so(office: Office) -> None:
    await ask_variously(office)
    assert await filtered(office, RITA, {"words": "nowhere"}) == []
    assert "Nothing of yours matches." in at_home(office, RITA).shown


async def test_a_page_of_a_filtered_list_that_found_nothing_yet_goes_on(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paging, "MAX_TASKS_READ", 2)
    for number in range(4):
        await ask(office, number)
    assert await filtered(office, RITA, {"words": "3"}) == []
    assert "No match yet. Press More to search on." in at_home(office, RITA).shown
    await office.slack.click_home(RITA, "home_mine")
    assert titles(at_home(office, RITA)) == ["Ask 3"]


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        pytest.param("words", {"type": "plain_text_input", "value": "x" * 101}, id="a long word"),
        pytest.param("words", {"type": "plain_text_input", "value": "many words " * 90}, id="many words"),
        pytest.param("agent", {"type": "plain_text_input", "value": "x" * 3_000}, id="a long name"),
        pytest.param("risk", {"type": "static_select", "selected_option": {"value": "huge"}}, id="an unknown risk"),
    ],
)
async def test_a_filter_that_the_form_does_not_offer_is_refused_beside_its_field(
    office: Office, field: str, typed: dict[str, Any]
) -> None:
    await ask_variously(office)
    await home(office, RITA)
    await office.slack.click_home(RITA, "home_filter")
    answer = await submit_forged(office, RITA, state={"values": {field: {field: typed}}})
    assert list(answer.body["errors"]) == [field]


@pytest.mark.parametrize(
    ("text", "matching"),
    [
        ("queue", ["Ask 2", "Ask 1", "Ask 3"]),
        ("queue high", ["Ask 2"]),
        ("queue ASK medium", ["Ask 1", "Ask 3"]),
        ("queue note clerk", ["Ask 3"]),
        ("queue invoice", ["Ask 3"]),
    ],
)
async def test_the_queue_lists_what_matches_all_words(office: Office, text: str, matching: list[str]) -> None:
    await ask_variously(office)
    for user in (SENTA, ADAM):
        shown = (await office.reviews(user, text)).shown.split("\n")
        assert [line for line in shown if line.startswith("Ask ")] == matching


async def test_the_queue_says_that_the_words_are_too_long(office: Office) -> None:
    assert "Use at most 100 characters." in (await office.reviews(SENTA, f"queue {'word ' * 21}")).shown


async def test_the_queue_says_what_it_looked_for_and_that_nothing_matches(office: Office) -> None:
    await ask_variously(office)
    assert "Filter: high risk, “ask”" in (await office.reviews(SENTA, "queue high ask")).shown
    assert "matches “<!channel>”." in (await office.reviews(SENTA, "queue <!channel>")).shown


async def test_the_queue_says_how_much_of_it_was_searched(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paging, "MAX_TASKS_READ", 2)
    await ask_variously(office)
    assert "Only the 2 most urgent tasks were searched." in (await office.reviews(SENTA, "queue ask")).shown


async def test_a_search_finds_the_few_packages_that_the_caller_may_see_far_down_the_queue(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paging, "_AT_ONCE", 2)
    for number in range(5):
        await ask(office, number, HARD)
    await ask(office, 5)
    shown = (await office.reviews(RITA, "queue ask")).shown
    assert [line for line in shown.split("\n") if line.startswith("Ask ")] == ["Ask 5"]
    assert "were searched" not in shown


@pytest.mark.parametrize("text", ["queue", "queue ask"])
async def test_packages_that_the_caller_may_not_see_are_not_counted(office: Office, text: str) -> None:
    for number in range(3):
        await ask(office, number, HARD)
    shown = (await office.reviews(RITA, text)).shown
    assert ("Nothing that you can see" in shown, "more" in shown) == (True, False)


async def test_home_and_mine_do_not_say_that_nothing_waits_while_a_part_of_the_queue_is_unread(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        await ask(office, number, SOFT | {"requested_by": RITA})
    await ask(office, 3)
    monkeypatch.setattr(paging, "MAX_TASKS_READ", 2)
    shown = (await home(office, RITA)).shown
    assert "nothing waits for you so far" in shown
    assert "Press More to see the rest." in shown
    assert "App Home goes on with More." in (await office.reviews(RITA, "mine")).shown
    await office.slack.click_home(RITA, "home_mine")
    assert titles(at_home(office, RITA)) == ["Ask 3"]


async def test_a_search_does_not_show_what_the_caller_may_not_see(office: Office) -> None:
    await ask(office, 1, HARD)
    assert "Ask 1" not in (await office.reviews(RITA, "queue high")).shown
    assert "Ask 1" in (await office.reviews(ADAM, "queue high")).shown
