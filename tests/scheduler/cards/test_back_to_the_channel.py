"""A card that Slack refused in a channel appears there as soon as possible, while the package waits."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bot.slack.office import CHANNEL, HARD, POLICY, SENTA, SVEN, open_office
from tests.bot.slack.operator_view import deliver_later, read_metric
from tests.scheduler.cards.test_places import SPARE, WITH_SPARE, direct, scene, showing

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


async def test_cards_sent_to_people_also_appear_in_the_channel_once_the_app_is_invited(
    database_url: str, tmp_path: Path
) -> None:
    async with open_office(database_url, tmp_path, POLICY, scene=scene(bot_in=False)) as office:
        response = await office.submit(HARD)
        await office.deliver()
        assert showing(office, response) == direct(office, SENTA, SVEN)
        office.slack.change_channel(CHANNEL, bot_in=True)
        invited = {"type": "member_joined_channel", "channel": CHANNEL, "user": office.slack.bot_user}
        assert (await office.slack.event(invited)).ok
        card = await office.card(response)
        assert showing(office, response) == {CHANNEL} | direct(office, SENTA, SVEN)
        await office.approve(SENTA, card)
        await office.deliver()
        assert "Approve" not in office.slack.message(CHANNEL, card.ts).labels
        assert all("Approve" not in message.labels for message in office.slack.messages(SVEN))


async def test_cards_appear_in_the_channel_within_five_minutes_even_without_an_invitation_event(
    database_url: str, tmp_path: Path
) -> None:
    async with open_office(database_url, tmp_path, POLICY, scene=scene(bot_in=False)) as office:
        response, other = await office.submit(HARD), await office.submit(HARD)
        await office.deliver()
        await deliver_later(office, 301)
        assert office.cards() == []
        office.slack.change_channel(CHANNEL, bot_in=True)
        await deliver_later(office, 603)
        assert showing(office, response) == showing(office, other) == {CHANNEL} | direct(office, SENTA, SVEN)


async def test_a_package_decided_meanwhile_is_not_posted_in_the_channel(database_url: str, tmp_path: Path) -> None:
    async with open_office(database_url, tmp_path, POLICY, scene=scene(bot_in=False)) as office:
        response = await office.submit(HARD)
        await office.deliver()
        await office.approve(SENTA, await office.card(response, SENTA))
        office.slack.change_channel(CHANNEL, bot_in=True)
        await deliver_later(office, 301)
        assert showing(office, response) == direct(office, SENTA, SVEN)
        assert await read_metric(office, "countersign_places_behind") == 0


async def test_a_card_in_a_channel_that_works_again_is_updated_in_place(database_url: str, tmp_path: Path) -> None:
    async with open_office(database_url, tmp_path, WITH_SPARE, scene=scene()) as office:
        response, card = await office.submit_with_card()
        office.slack.change_channel(CHANNEL, archived=True)
        await office.slack.event({"type": "channel_archive", "channel": CHANNEL})
        spare = await office.card(response, SPARE)
        office.slack.change_channel(CHANNEL, archived=False)
        await office.slack.event({"type": "channel_unarchive", "channel": CHANNEL})
        await office.approve(SENTA, spare)
        await office.deliver()
        assert "Approve" not in office.slack.message(CHANNEL, card.ts).labels
        assert [message.ts for message in office.cards()] == [card.ts]
