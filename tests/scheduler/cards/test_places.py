"""Where cards are posted: in the channel of the action, the role or the policy, else in the fallback or to people."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from playground.slack import Slack
from rules.state.commands import Verb
from rules.state.model import Status
from tests.bot.service import Response
from tests.bot.slack.office import (
    CHANNEL,
    CRITICAL,
    GONE,
    GROUP,
    GUEST,
    HARD,
    NOBODY,
    POLICY,
    RITA,
    ROSE,
    ROSS,
    SAUL,
    SENTA,
    SOFT,
    SUSI,
    SVEN,
    Office,
    furnish,
    open_office,
)

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

BOARD, SPARE = "C0BOARD", "C0SPARE"
SILA = "USILA"
SUPERVISORS = [SUSI, SAUL, SILA]
WITH_BOARD = POLICY.replace('"USILA"]', f'"USILA"]\nchannel = "{BOARD}"')
WITH_SPARE = POLICY.replace("[channels]", f'[channels]\nfallback = "{SPARE}"')
NO_CHANNEL = POLICY.replace(f'default = "{CHANNEL}"', "")
BY_ACTION = POLICY.replace('"record.read" = {', f'"record.read" = {{ channel = "{BOARD}",')


def scene(**changed: object) -> Callable[[Slack], None]:
    """A workspace with two more channels, and with a change to the first."""

    def furnish_channels(slack: Slack) -> None:
        furnish(slack)
        slack.add_channel(BOARD, name="board", members=SUPERVISORS)
        slack.add_channel(SPARE, name="spare", members=[RITA, SENTA, SVEN, *SUPERVISORS])
        slack.change_channel(CHANNEL, **changed)

    return furnish_channels


def showing(office: Office, response: Response) -> set[str]:
    """All places that show a card of this package."""
    everywhere = [*office.slack.workspace.channels]
    return {place for place in everywhere for card in office.cards(place) if response.id in str(card.blocks)}


@contextmanager
def without_delivery(office: Office) -> Iterator[None]:
    assert office.running.service.slack is not None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(office.running.service.slack.reconciler._wake, "set", lambda: None)
        yield


def direct(office: Office, *users: str) -> set[str]:
    return {office.slack.direct(user) for user in users}


async def test_a_role_with_a_channel_of_its_own_is_asked_there(database_url: str, tmp_path: Path) -> None:
    async with open_office(database_url, tmp_path, WITH_BOARD, scene=scene()) as office:
        response, card = await office.submit_with_card()
        await office.give(SENTA, card, Verb.ESCALATE, {"comment": "Too big for me."})
        here, there = await office.card(response), await office.card(response, BOARD)
        assert there.notified == set(SUPERVISORS)
        assert ("Senta escalated this from" in there.shown, "Senta escalated this from" in here.shown) == (True, True)
        assert showing(office, response) == {CHANNEL, BOARD}
        (note,) = office.thread(here)
        assert "Too big for me." in note.shown
        assert office.thread(there) == []


async def test_a_decision_at_one_place_is_shown_at_all_places(database_url: str, tmp_path: Path) -> None:
    async with open_office(database_url, tmp_path, WITH_BOARD, scene=scene()) as office:
        response, card = await office.submit_with_card()
        await office.give(SENTA, card, Verb.ESCALATE, {})
        await office.approve(SUSI, await office.card(response, BOARD))
        for channel in (CHANNEL, BOARD):
            card = await office.card(response, channel)
            assert ("Susi (supervisor) approved this" in card.shown, card.labels) == (True, ["Details"])
            assert "Susi (supervisor) approved this" in office.thread(card)[-1].shown


async def test_an_action_type_with_a_channel_of_its_own_is_asked_there(database_url: str, tmp_path: Path) -> None:
    async with open_office(database_url, tmp_path, BY_ACTION, scene=scene()) as office:
        response, _ = await office.submit_with_card(HARD, BOARD)
        assert showing(office, response) == {BOARD}


@pytest.mark.parametrize(
    ("package", "people"),
    [
        pytest.param(SOFT, [RITA, ROSS], id="the people of the role"),
        pytest.param(HARD, [SENTA, SVEN], id="the people of its group"),
        pytest.param({**HARD, "requested_by": SENTA}, [SVEN], id="but not the requester"),
        pytest.param(CRITICAL, SUPERVISORS, id="only people with the authority"),
        pytest.param({**SOFT, "requested_by": RITA, "on_behalf_of": [ROSS]}, [SENTA, SVEN, *SUPERVISORS], id="others"),
    ],
)
async def test_a_role_without_a_channel_is_asked_one_by_one(
    database_url: str, tmp_path: Path, package: dict[str, object], people: list[str]
) -> None:
    async with open_office(database_url, tmp_path, NO_CHANNEL) as office:
        response = await office.submit(package)
        await office.deliver()
        assert showing(office, response) == direct(office, *people)
        assert (await office.state(response)).shown is not None


async def test_if_nobody_can_be_asked_now_people_are_asked_as_soon_as_possible(
    database_url: str, tmp_path: Path
) -> None:
    """As after an outage so long that the directory is stale."""
    policy = NO_CHANNEL.replace('max_age = "1000d"', 'max_age = "1h"')
    async with open_office(database_url, tmp_path, policy) as office:
        with without_delivery(office):
            response = await office.submit(HARD)
        office.clock.passes(timedelta(hours=2))
        await office.deliver()
        assert showing(office, response) == set()
        await office.read_directory()
        await office.skip_pause()
        assert showing(office, response) == direct(office, SENTA, SVEN)


async def test_both_roles_of_a_quorum_are_asked_one_by_one(database_url: str, tmp_path: Path) -> None:
    policy = NO_CHANNEL.replace('max_risk = "high"', 'max_risk = "critical"')
    async with open_office(database_url, tmp_path, policy) as office:
        response = await office.submit(CRITICAL)
        await office.deliver()
        assert showing(office, response) == direct(office, SENTA, SVEN, *SUPERVISORS)


async def test_a_new_member_of_a_role_that_is_asked_in_person_is_asked_too(database_url: str, tmp_path: Path) -> None:
    async with open_office(database_url, tmp_path, NO_CHANNEL) as office:
        response = await office.submit(HARD)
        await office.deliver()
        await office.regroup(added=(ROSS,))
        await office.passes(timedelta(minutes=1))
        assert showing(office, response) == direct(office, SENTA, SVEN, ROSS)
        assert [len(office.cards(user)) for user in (SENTA, SVEN, ROSS)] == [1, 1, 1]
        await office.approve(ROSS, await office.card(response, ROSS))
        assert await office.status(response) is Status.APPROVED
        await office.regroup(added=(NOBODY,))
        await office.passes(timedelta(minutes=1))
        assert office.cards(NOBODY) == []


async def test_a_new_member_is_also_asked_if_people_replace_a_channel_that_is_gone(
    database_url: str, tmp_path: Path
) -> None:
    async with open_office(database_url, tmp_path, POLICY, scene=scene(archived=True)) as office:
        response = await office.submit(HARD)
        await office.deliver()
        await office.regroup(added=(ROSS,))
        await office.passes(timedelta(minutes=1))
        assert showing(office, response) == direct(office, SENTA, SVEN, ROSS)


async def test_a_new_member_of_a_role_that_no_longer_decides_is_not_asked(database_url: str, tmp_path: Path) -> None:
    async with open_office(database_url, tmp_path, NO_CHANNEL) as office:
        response, card = await office.submit_with_card(HARD, SENTA)
        await office.give(SENTA, card, Verb.ESCALATE, {})
        await office.deliver()
        await office.regroup(added=(ROSS,))
        await office.passes(timedelta(minutes=1))
        assert showing(office, response) == direct(office, SENTA, SVEN, *SUPERVISORS)


async def test_people_who_cannot_decide_get_no_message(database_url: str, tmp_path: Path) -> None:
    def with_others(slack: Slack) -> None:
        furnish(slack)
        slack.change_group(GROUP, members=[SENTA, GONE, GUEST])

    async with open_office(database_url, tmp_path, NO_CHANNEL, scene=with_others) as office:
        response = await office.submit(HARD)
        await office.deliver()
        assert showing(office, response) == direct(office, SENTA)


async def test_a_card_in_a_direct_message_is_decided_on_like_any_other(database_url: str, tmp_path: Path) -> None:
    async with open_office(database_url, tmp_path, NO_CHANNEL) as office:
        response, card = await office.submit_with_card(HARD, SENTA)
        await office.approve(SENTA, card)
        assert await office.status(response) is Status.APPROVED
        for user in (SENTA, SVEN):
            card = await office.card(response, user)
            assert ("Senta (senior reviewer) approved this" in card.shown, card.labels) == (True, ["Details"])


async def test_a_private_copy_is_not_taken_for_the_card(office: Office) -> None:
    response, card = await office.submit_with_card(SOFT)
    note = await office.reviews(RITA, f"show {response.id}", channel=CHANNEL)
    await office.click(RITA, note, "approve")
    await office.finish_background()
    assert [note.text for note in office.slack.private_notes(RITA) if "twice" in note.text] == []
    assert (await office.card(response)).ts == card.ts


async def test_a_private_copy_is_not_adopted_before_the_card_is_posted(office: Office) -> None:
    with without_delivery(office):
        response = await office.submit(SOFT)
        note = await office.reviews(RITA, f"show {response.id}", channel=CHANNEL)
        await office.click(RITA, note, "approve")
        await office.finish_background()
    updates = len(office.slack.calls_to("chat.update"))
    assert "approved" in (await office.card(response)).shown
    assert len(office.slack.calls_to("chat.update")) == updates


async def test_after_an_escalation_the_next_role_is_also_asked_one_by_one(database_url: str, tmp_path: Path) -> None:
    async with open_office(database_url, tmp_path, NO_CHANNEL) as office:
        response, card = await office.submit_with_card(HARD, SENTA)
        await office.give(SENTA, card, Verb.ESCALATE, {})
        await office.deliver()
        assert showing(office, response) == direct(office, SENTA, SVEN, *SUPERVISORS)


NOT_HERE = [
    pytest.param({"bot_in": False}, id="the app is not in it"),
    pytest.param({"archived": True}, id="it is archived"),
    pytest.param({"private": True, "bot_in": False}, id="it is private"),
]


@pytest.mark.parametrize("changed", NOT_HERE)
async def test_if_a_channel_refuses_posts_the_fallback_channel_is_used(
    database_url: str, tmp_path: Path, changed: dict[str, object]
) -> None:
    async with open_office(database_url, tmp_path, WITH_SPARE, scene=scene(**changed)) as office:
        response, card = await office.submit_with_card(HARD, SPARE)
        assert (showing(office, response), card.notified) == ({SPARE}, {SENTA, SVEN, *SUPERVISORS})
        await office.approve(SENTA, card)
        assert await office.status(response) is Status.APPROVED


@pytest.mark.parametrize("changed", NOT_HERE)
async def test_without_a_fallback_channel_people_are_asked_one_by_one(
    database_url: str, tmp_path: Path, changed: dict[str, object]
) -> None:
    async with open_office(database_url, tmp_path, POLICY, scene=scene(**changed)) as office:
        response = await office.submit(HARD)
        await office.deliver()
        assert showing(office, response) == direct(office, SENTA, SVEN)


async def test_if_the_fallback_channel_fails_too_people_are_asked_one_by_one(database_url: str, tmp_path: Path) -> None:
    def both_archived(slack: Slack) -> None:
        scene(archived=True)(slack)
        slack.change_channel(SPARE, archived=True)

    async with open_office(database_url, tmp_path, WITH_SPARE, scene=both_archived) as office:
        response = await office.submit(HARD)
        await office.deliver()
        assert showing(office, response) == direct(office, SENTA, SVEN)


async def test_cards_move_to_the_fallback_channel_if_theirs_is_archived_later(
    database_url: str, tmp_path: Path
) -> None:
    async with open_office(database_url, tmp_path, WITH_SPARE, scene=scene()) as office:
        response, _ = await office.submit_with_card()
        office.slack.change_channel(CHANNEL, archived=True)
        await office.version(response, {**HARD, "action_parameters": {"record": "43"}})
        card = await office.card(response, SPARE)
        assert ("Version 2" in card.shown, card.notified) == (True, {SENTA, SVEN, *SUPERVISORS})
        await office.approve(SENTA, card)
        assert await office.status(response) is Status.APPROVED


@pytest.mark.parametrize("error", ["message_not_found", "cant_update_message", "edit_window_closed"])
async def test_a_card_that_can_no_longer_be_updated_is_posted_again(office: Office, error: str) -> None:
    response, card = await office.submit_with_card()
    office.slack.faults.error("chat.update", error)
    await office.click(ROSE, card, "reject")
    await office.slack.submit(ROSE, {"comment": "Not any more."})
    await office.deliver()
    assert [message.ts == card.ts for message in office.cards()] == [True, False]
    assert "rejected" in office.cards()[-1].shown
    assert showing(office, response) == {CHANNEL}


async def test_if_slack_does_not_say_who_sees_a_card_people_are_asked_and_silence_does_not_count(
    office: Office,
) -> None:
    office.slack.scopes -= {"channels:read"}
    response, card = await office.submit_with_card(SOFT)
    assert "after a reviewer can see this card if nobody objects" in card.shown
    assert (await office.state(response)).shown is None
    await office.click(RITA, card, "approve")
    assert await office.status(response) is Status.APPROVED


async def test_if_slack_cannot_say_now_who_sees_a_card_nothing_is_posted_until_it_can(office: Office) -> None:
    """Otherwise the card would exist without proof, and its silence would never count."""
    office.slack.faults.error("conversations.members", "internal_error")
    response = await office.submit(SOFT)
    await office.deliver()
    assert (office.cards(), (await office.state(response)).shown) == ([], None)
    await office.skip_pause()
    assert "goes ahead" in (await office.card(response)).shown
    assert (await office.state(response)).shown is not None


async def test_a_card_that_nobody_eligible_sees_is_proven_once_and_again_when_something_happens(
    database_url: str, tmp_path: Path
) -> None:
    async with open_office(database_url, tmp_path, scene=scene(members=[NOBODY])) as office:
        response, card = await office.submit_with_card()
        assert [event["reason"] for event in await office.events(response, "package.shown")] == [
            "seen-by-nobody-eligible"
        ]
        assert (await office.state(response)).shown is None
        office.slack.join(SENTA, CHANNEL)
        await office.click(NOBODY, card, "approve")
        await office.deliver()
        assert [event["reason"] for event in await office.events(response, "package.shown")] == [
            "seen-by-nobody-eligible",
            "seen-by-eligible",
        ]
        assert (await office.state(response)).shown is not None
