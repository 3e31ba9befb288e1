"""A post whose reply is lost leaves a second card, which Slack gives no way to prevent. Clicks on it are answered."""

from __future__ import annotations

from typing import Any

import pytest

from playground.model.messages import Message
from rules.state.model import Status
from tests.bot.service import Response
from tests.bot.slack.office import CHANNEL, HARD, OWEN, RITA, SENTA, SOFT, Office
from tests.bot.slack.operator_view import deliver_later

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


async def twice(office: Office, package: Any) -> tuple[Response, Message, Message]:
    """The package, the card whose reply was lost, and the card that was posted again."""
    office.slack.faults.lose_reply("chat.postMessage")
    response = await office.submit(package)
    await office.deliver()
    await deliver_later(office)
    stray, card = office.cards()
    return response, stray, card


@pytest.mark.parametrize("package", [SOFT, HARD], ids=["one tap", "a form"])
@pytest.mark.parametrize("verb", ["approve", "reject", "more"])
async def test_a_click_on_a_stray_card_after_the_decision_says_that_it_is_decided(
    office: Office, verb: str, package: dict[str, Any]
) -> None:
    response, stray, card = await twice(office, package)
    await office.click(OWEN, card, "reject")
    await office.slack.submit(OWEN, {"comment": "Not any more."})
    await office.deliver()
    assert (await office.click(SENTA, stray, verb, **({"option": "Request evidence"} if verb == "more" else {}))).ok
    await office.finish_background()
    assert "This is already rejected by" in await office.refused(SENTA)
    assert await office.status(response) is Status.REJECTED
    assert office.slack.modal(SENTA) is None
    assert is_retired(office, stray)


async def test_details_of_a_stray_card_open_and_the_card_says_that_it_is_a_copy(office: Office) -> None:
    _, stray, card = await twice(office, SOFT)
    await office.click(RITA, card, "approve")
    await office.deliver()
    assert "Approved" in (await office.details(RITA, stray)).shown
    await office.finish_background()
    assert is_retired(office, stray)


async def test_a_click_on_a_stray_card_withdrawn_before_the_next_post_is_answered(
    office: Office,
) -> None:
    office.slack.faults.lose_reply("chat.postMessage")
    response = await office.submit(SOFT)
    await office.deliver()
    [stray] = office.cards()
    assert (await office.cancel(response)).status == 200
    await office.click(RITA, stray, "approve")
    await office.finish_background()
    assert "already cancelled" in await office.refused(RITA)
    await deliver_later(office)
    assert "Approve" not in office.slack.message(CHANNEL, stray.ts).labels


def is_retired(office: Office, card: Message) -> bool:
    shown = office.slack.message(CHANNEL, card.ts)
    return shown.labels == [] and "please use the other card" in shown.text
