"""Events about channels and the app: handled when they arrive, not only when a call fails."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from blocks.home.troubles import APP_GONE
from playground.slack import Slack
from rules.state.model import Status
from tests.bot.service import SOFT
from tests.bot.slack.office import ADAM, CHANNEL, HARD, POLICY, RITA, SENTA, Office, beside, furnish, open_office
from tests.bot.slack.operator_view import deliver_later, read_posture, submit_packages

POST, UPDATE = "chat.postMessage", "chat.update"
SPARE = "C0SPARE"
SPARED = POLICY.replace("[channels]", f'[channels]\nfallback = "{SPARE}"')


def with_a_spare(slack: Slack) -> None:
    furnish(slack)
    slack.add_channel(SPARE, name="spare", members=[RITA, SENTA])


@pytest.fixture
async def office(database_url: str, tmp_path: Path) -> AsyncIterator[Office]:
    async with open_office(database_url, tmp_path, SPARED, scene=with_a_spare) as office:
        yield office


async def send_event(office: Office, kind: str, **more: Any) -> None:
    """Send the event from Slack, and deliver the resulting updates."""
    assert (await office.slack.event({"type": kind, **more})).status == 200
    await office.deliver()


def troubles_told(office: Office) -> list[str]:
    return [message.text for message in office.slack.messages(ADAM) if "cannot show anything" in message.text]


async def undelivered_places(office: Office) -> list[tuple[str, str]]:
    return [(trouble["place"], trouble["error"]) for trouble in (await read_posture(office))["undelivered"]]


SHUT = {
    "channel_archive": "is_archived",
    "group_archive": "is_archived",
    "channel_deleted": "channel_not_found",
    "group_deleted": "channel_not_found",
    "channel_left": "not_in_channel",
    "group_left": "not_in_channel",
}


@pytest.mark.parametrize(("kind", "error"), SHUT.items())
async def test_if_a_channel_closes_people_are_asked_elsewhere_at_once(office: Office, kind: str, error: str) -> None:
    asked, _ = await office.submit_with_card(SOFT)
    updates = len(office.slack.calls_to(UPDATE))
    office.slack.faults.error(UPDATE, error, times=None)
    await send_event(office, kind, channel=CHANNEL)
    [card] = office.cards(SPARE)
    assert await undelivered_places(office) == [(CHANNEL, error)]
    assert len(troubles_told(office)) == 1
    assert [call.arguments["channel"] for call in office.slack.calls_to(UPDATE)[updates:]] == []
    assert (await office.click(RITA, card, "approve")).ok
    assert await office.status(asked) is Status.APPROVED


async def test_new_packages_are_not_tried_first_in_a_closed_channel(office: Office) -> None:
    office.slack.change_channel(CHANNEL, archived=True)
    await send_event(office, "channel_archive", channel=CHANNEL)
    await office.submit_with_card(SOFT, SPARE)
    assert [call.method for call in office.slack.calls if call.arguments.get("channel") == CHANNEL] == []


async def test_a_deleted_channel_refuses_only_a_few_cards_of_a_burst(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scheduler.cards.reconciler.AT_ONCE", 2)
    office.slack.change_channel(CHANNEL, bot_in=False)
    await submit_packages(office, SOFT, count=8)
    await office.deliver()
    assert len(office.cards(SPARE)) == 8
    # Each of the two at once may ask before the other's refusal is recorded. Another starts only when one has ended.
    asked = [call.arguments["channel"] for call in office.slack.calls_to("conversations.info")]
    assert 1 <= asked.count(CHANNEL) <= 2
    assert [call for call in office.slack.calls_to(POST) if call.arguments["channel"] == CHANNEL] == []


@pytest.mark.parametrize(
    ("shut", "opened"),
    [
        pytest.param("channel_archive", {"kind": "channel_unarchive"}, id="unarchived"),
        pytest.param("group_archive", {"kind": "group_unarchive"}, id="unarchived, and private"),
        pytest.param("channel_left", {"kind": "member_joined_channel", "user": "UBOT"}, id="invited again"),
    ],
)
async def test_a_reopened_channel_shows_waiting_packages_again(
    office: Office, shut: str, opened: dict[str, str]
) -> None:
    await send_event(office, shut, channel=CHANNEL)
    await send_event(office, **opened, channel=CHANNEL)
    assert await undelivered_places(office) == []
    await office.submit_with_card(SOFT)
    assert (len(office.cards()), office.cards(SPARE)) == (1, [])


async def test_a_channel_whose_reopening_was_not_reported_is_tried_after_a_while(office: Office) -> None:
    await send_event(office, "channel_archive", channel=CHANNEL)
    await submit_packages(office, SOFT)
    await deliver_later(office, 301)
    await deliver_later(office, 302)
    await submit_packages(office, SOFT)
    await deliver_later(office, 303)
    assert len(office.cards()) >= 1
    assert await undelivered_places(office) == []


async def test_a_channel_is_closed_only_if_the_app_itself_leaves(office: Office) -> None:
    await send_event(office, "member_left_channel", channel=CHANNEL, user=RITA)
    assert await undelivered_places(office) == []
    await send_event(office, "member_left_channel", channel=CHANNEL, user=office.slack.bot_user)
    assert await undelivered_places(office) == [(CHANNEL, "not_in_channel")]
    await send_event(office, "member_joined_channel", channel=CHANNEL, user=RITA)
    assert await undelivered_places(office) == [(CHANNEL, "not_in_channel")]


async def test_events_of_unrelated_channels_raise_no_alert(office: Office) -> None:
    await send_event(office, "channel_archive", channel="C0ELSE")
    assert await undelivered_places(office) == []


async def test_a_renumbered_channel_keeps_its_cards_and_the_policy_must_name_its_new_id(office: Office) -> None:
    asked, card = await office.submit_with_card(SOFT)
    office.slack.renumber(CHANNEL, "C0NEW")
    await send_event(office, "channel_id_changed", old_channel_id=CHANNEL, new_channel_id="C0NEW")
    assert await undelivered_places(office) == [(CHANNEL, "channel_id_changed")]
    assert "by its new id" in troubles_told(office)[0]
    assert (await office.click(RITA, office.slack.message("C0NEW", card.ts), "approve")).ok
    await office.deliver()
    assert await office.status(asked) is Status.APPROVED
    assert "Approve" not in office.slack.message("C0NEW", card.ts).labels
    await office.submit_with_card(SOFT, SPARE)


async def test_the_trouble_of_a_channel_that_the_policy_no_longer_names_ends(office: Office, tmp_path: Path) -> None:
    office.slack.change_channel(CHANNEL, archived=True)
    await send_event(office, "channel_archive", channel=CHANNEL)
    assert await undelivered_places(office) == [(CHANNEL, "is_archived")]
    url = office.running.service.settings.database_url
    moved = SPARED.replace(f'default = "{CHANNEL}"', f'default = "{SPARE}"')
    async with beside(office.slack, url, tmp_path, moved) as other:
        await other.deliver()
        assert await undelivered_places(other) == []


async def test_the_trouble_of_a_channel_in_the_policy_stays_until_it_ends(office: Office, tmp_path: Path) -> None:
    office.slack.change_channel(CHANNEL, archived=True)
    await send_event(office, "channel_archive", channel=CHANNEL)
    async with beside(office.slack, office.running.service.settings.database_url, tmp_path, SPARED) as other:
        await other.deliver()
        assert await undelivered_places(other) == [(CHANNEL, "is_archived")]


# ---- the app itself


GONE = [
    pytest.param({"type": "app_uninstalled"}, id="uninstalled"),
    pytest.param({"type": "tokens_revoked", "tokens": {"oauth": [], "bot": ["UBOT"]}}, id="its token revoked"),
]


def heart(office: Office) -> Any:
    assert office.running.service.slack is not None
    return office.running.service.slack.clockwork.heart


@pytest.mark.parametrize("event", GONE)
async def test_while_the_app_is_uninstalled_nothing_is_sent_and_readiness_says_what_to_do(
    office: Office, event: dict[str, Any]
) -> None:
    kind = event["type"]
    await office.slack.event(event)
    office.slack.workspace.token_error = "account_inactive"
    before = len(office.slack.calls)
    await submit_packages(office, SOFT, count=5)
    await office.deliver()
    assert len(office.slack.calls) == before
    assert (await read_posture(office))["slack"] == f"refuses the token: {kind}. {APP_GONE}"
    assert await undelivered_places(office) == []
    office.slack.workspace.token_error = None
    await heart(office).tick()
    await office.deliver()
    assert len(office.cards()) == 5
    assert (await read_posture(office))["slack"] == "ok"


async def test_a_persons_revoked_token_is_ignored(office: Office) -> None:
    await send_event(office, "tokens_revoked", tokens={"oauth": [RITA], "bot": []})
    await office.submit_with_card(SOFT)


async def test_a_refused_token_is_tried_with_one_card_at_a_time(office: Office) -> None:
    office.slack.workspace.token_error = "token_revoked"
    await submit_packages(office, SOFT)
    await office.deliver()
    await submit_packages(office, SOFT, count=9)
    before = len(office.slack.calls)
    await office.deliver()
    assert len(office.slack.calls) == before
    await deliver_later(office, 31)
    assert len(office.slack.calls) == before + 1
    office.slack.workspace.token_error = None
    await deliver_later(office, 62)
    assert len(office.cards()) == 10


@pytest.mark.parametrize("event", GONE)
async def test_while_the_app_is_uninstalled_silence_does_not_count(office: Office, event: dict[str, Any]) -> None:
    asked, _ = await office.submit_with_card(SOFT)
    await office.slack.event(event)
    office.slack.workspace.token_error = "account_inactive"
    await office.passes(timedelta(minutes=30))
    assert not heart(office).hears_clicks
    assert await office.status(asked) is Status.PENDING
    assert await office.events(asked, "package.consented") == []


async def test_a_reinstalled_app_works_again_with_the_next_heartbeat(office: Office) -> None:
    """Slack may report an uninstall late, after the app was installed again."""
    await send_event(office, "app_uninstalled")
    await submit_packages(office, HARD)
    await office.deliver()
    assert office.cards() == []
    await heart(office).tick()
    await office.deliver()
    assert len(office.cards()) == 1
