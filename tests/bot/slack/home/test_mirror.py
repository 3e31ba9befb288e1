"""The mirror in Home: everyone sees their own, and there is no way to another's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rules.state.commands import Verb
from tests.bot.slack.forms import press_forged
from tests.bot.slack.home.test_home import home
from tests.bot.slack.office import ADAM, HARD, NOBODY, SENTA, SVEN, Office, open_office
from tests.bot.slack.slash.test_stats_by_reviewer import NAMED

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


async def mirror(office: Office, user: str) -> str:
    await home(office, user)
    await office.slack.click_home(user, "home_mirror")
    view = office.slack.modal(user)
    assert view is not None
    assert view.title == "My decisions"
    await office.slack.close(user)
    return view.shown


async def test_the_button_in_home_opens_the_numbers_of_the_person_who_presses_it(office: Office) -> None:
    _, card = await office.submit_with_card(HARD)
    await office.approve(SENTA, card)
    own = await mirror(office, SENTA)
    assert "The last 30 days: \n1 package decided." in own
    assert "Approved without opening Details: \n1 of 1." in own
    assert "Your load: \n0 assigned to you now, 1 decided in 7 days." in own
    assert "Only you can see this" in own
    assert "0 packages decided." in await mirror(office, SVEN)


async def test_no_value_of_the_button_shows_another_persons_numbers(office: Office) -> None:
    _, card = await office.submit_with_card(HARD)
    await office.approve(SENTA, card)
    view = await home(office, SVEN)
    for value in (SENTA, f"home_mirror {SENTA}", json.dumps({"user": SENTA})):
        await press_forged(office, SVEN, view, "home_mirror", value)
        shown = office.slack.modal(SVEN)
        assert shown is not None
        assert "0 packages decided." in shown.shown
        await office.slack.close(SVEN)


async def test_who_holds_no_role_has_no_button(office: Office) -> None:
    assert "home_mirror" not in (await home(office, NOBODY)).action_ids


async def test_an_admin_gets_no_mirror_of_others_also_if_reports_may_name_reviewers(
    database_url: str, tmp_path: Path
) -> None:
    async with open_office(database_url, tmp_path, NAMED) as office:
        _, card = await office.submit_with_card(HARD)
        await office.give(SENTA, card, Verb.REJECT, {"comment": "No."})
        report = await office.reviews(ADAM, "stats by reviewer")
        assert "without opening Details" not in report.shown
        assert "assigned" not in report.shown
