"""The short reasons of the policy, to tick when a package is rejected or sent back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from rules.state.model import Status
from tests.bot.slack.forms import open_form, submit_forged
from tests.bot.slack.office import POLICY, SENTA, Office, open_office

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

WITH_TAGS = POLICY + '[feedback]\ntags = ["Wrong amount", "No evidence"]\n'


@pytest.fixture
async def tagging(database_url: str, tmp_path: Path) -> AsyncIterator[Office]:
    async with open_office(database_url, tmp_path, WITH_TAGS) as office:
        yield office


@pytest.mark.parametrize(
    ("verb", "words", "status"),
    [
        ("reject", {"comment": "Ask first."}, Status.REJECTED),
        ("revise", {"instructions": "Halve it."}, "revision_requested"),
    ],
)
async def test_ticked_reasons_are_kept_and_shown_with_the_words(
    tagging: Office, verb: str, words: dict[str, str], status: str
) -> None:
    proposal = await open_form(tagging, verb)
    view = tagging.slack.modal(SENTA)
    assert view is not None
    assert "Wrong amount" in view.shown
    await tagging.slack.submit(SENTA, {"tags": ["Wrong amount", "No evidence"], **words})
    assert (await tagging.state(proposal)).status == status
    details = (await tagging.details(SENTA, await tagging.card(proposal))).shown
    assert "Reasons\nWrong amount, No evidence" in details
    assert next(iter(words.values())) in details


async def test_nothing_has_to_be_ticked(tagging: Office) -> None:
    proposal = await open_form(tagging, "reject")
    await tagging.slack.submit(SENTA, {"comment": "Ask first."})
    assert (await tagging.state(proposal)).status is Status.REJECTED


async def test_without_reasons_in_the_policy_the_form_asks_for_none(office: Office) -> None:
    await open_form(office, "reject")
    view = office.slack.modal(SENTA)
    assert view is not None
    assert "Reasons" not in view.shown


async def test_a_reason_that_the_policy_does_not_offer_is_refused_beside_the_field(tagging: Office) -> None:
    proposal = await open_form(tagging, "reject")
    inputs = {
        "tags": {"type": "checkboxes", "selected_options": [{"value": "Made up"}]},
        "comment": {"type": "plain_text_input", "value": "No."},
    }
    values = {name: {name: given} for name, given in inputs.items()}
    answer = await submit_forged(tagging, state={"values": values})
    assert answer.body == {
        "response_action": "errors",
        "errors": {"tags": "The policy does not offer the reason “Made up” any more. Open the form again."},
    }
    assert (await tagging.state(proposal)).status is Status.PENDING
