"""Silence counts only while someone who saw the card can see it; Slack confirms that before consent."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from playground.slack import Slack
from rules.people.agent_keys import UNLIMITED
from rules.scales import HITLLevel
from rules.state.commands import Verb
from rules.state.model import PackageState, Status
from store.packages.packages import PACKAGES
from tests.bot.service import Response
from tests.bot.slack.office import CHANNEL, HARD, POLICY, RITA, ROSS, SENTA, SOFT, Office, furnish, open_office
from tests.rules.world import MINUTE

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

SPARE = "C0SPARE"
SPARED = POLICY.replace("[channels]", f'[channels]\nfallback = "{SPARE}"')
MEMBERS, LINK = "conversations.members", "chat.getPermalink"


def scene(*members: str) -> Callable[[Slack], None]:
    """Only these people are in the channel; the fallback channel has two others."""

    def furnish_channel(slack: Slack) -> None:
        furnish(slack)
        slack.change_channel(CHANNEL, members=members)
        slack.add_channel(SPARE, name="spare", members=[ROSS, SENTA])

    return furnish_channel


@pytest.fixture
async def office(database_url: str, tmp_path: Path) -> AsyncIterator[Office]:
    """Rita is the only reviewer in the channel."""
    async with open_office(database_url, tmp_path, SPARED, scene=scene(RITA)) as opened:
        yield opened


@pytest.fixture
async def full(database_url: str, tmp_path: Path) -> AsyncIterator[Office]:
    async with open_office(database_url, tmp_path, SPARED, scene=scene(RITA, ROSS)) as opened:
        yield opened


async def passes(office: Office, span: timedelta) -> None:
    """Moves the clock also for Slack and for remembered answers."""
    assert office.running.service.slack is not None
    reconciler, before = office.running.service.slack.reconciler, office.running.service.slack.reconciler._now()
    ahead = before - datetime.now(UTC) + span
    reconciler._now = lambda: datetime.now(UTC) + ahead
    await office.passes(span)


def standing(state: PackageState) -> tuple[Status, HITLLevel, str]:
    return state.status, state.level, state.why[0].rule


async def is_consented(office: Office, response: Response) -> bool:
    return await office.status(response) is Status.CONSENTED


async def viewers(office: Office, response: Response) -> set[str]:
    shown = (await office.state(response)).shown
    return {who for card in shown.cards for who in card.since} if shown else set()


async def test_the_state_keeps_which_eligible_people_see_the_card(full: Office) -> None:
    response, card = await full.submit_with_card(SOFT)
    shown = (await full.state(response)).shown
    assert shown is not None
    assert [(card_shown.location, card_shown.since) for card_shown in shown.cards] == [
        ((CHANNEL, card.ts), {RITA: shown.at, ROSS: shown.at}),
    ]


async def test_silence_is_consent_while_someone_who_saw_the_card_is_there(office: Office) -> None:
    response, _ = await office.submit_with_card(SOFT)
    await passes(office, 5 * MINUTE)
    assert await is_consented(office, response)
    assert [(call.error, call.arguments["channel"]) for call in office.slack.calls_to(LINK)] == [(None, CHANNEL)]


async def test_time_in_which_the_only_viewer_is_away_does_not_count(office: Office) -> None:
    """Others may decide but do not see the card."""
    response, _ = await office.submit_with_card(SOFT)
    await passes(office, MINUTE)
    await office.slack.command(RITA, "/reviews", "away 2h")
    await passes(office, 60 * MINUTE)
    assert await office.status(response) is Status.PENDING
    await office.slack.command(RITA, "/reviews", "back")
    await passes(office, 3 * MINUTE)
    assert await office.status(response) is Status.PENDING
    await passes(office, MINUTE)
    assert await is_consented(office, response)


async def test_the_silence_of_a_deactivated_viewer_does_not_count(office: Office) -> None:
    response, _ = await office.submit_with_card(SOFT)
    await passes(office, 4 * MINUTE)
    office.slack.change_person(RITA, deleted=True)
    assert (await office.slack.event(office.slack.person_event(RITA))).status == 200
    await passes(office, 10 * MINUTE)
    assert (await office.state(response)).status is Status.PENDING


async def test_a_viewer_who_was_deactivated_meanwhile_counts_only_from_their_return(office: Office) -> None:
    response, _ = await office.submit_with_card(SOFT)
    await passes(office, MINUTE)
    for deleted in (True, False):
        office.slack.change_person(RITA, deleted=deleted)
        assert (await office.slack.event(office.slack.person_event(RITA))).status == 200
        await passes(office, 2 * MINUTE)
    await passes(office, 4 * MINUTE)
    assert await office.status(response) is Status.PENDING
    await passes(office, MINUTE)
    assert await is_consented(office, response)


async def test_the_silence_of_a_viewer_who_left_the_channel_does_not_count(office: Office) -> None:
    response, _ = await office.submit_with_card(SOFT)
    await passes(office, 4 * MINUTE)
    office.slack.leave(RITA, CHANNEL)
    await passes(office, MINUTE)
    assert standing(await office.state(response)) == (Status.PENDING, HITLLevel.HARD_APPROVAL, "silence-unproven")


async def test_someone_who_joins_the_channel_counts_from_then_on(office: Office) -> None:
    response, _ = await office.submit_with_card(SOFT)
    await passes(office, 4 * MINUTE)
    office.slack.leave(RITA, CHANNEL)
    office.slack.join(ROSS, CHANNEL)
    await passes(office, MINUTE)
    assert (await office.status(response), await viewers(office, response)) == (Status.PENDING, {ROSS})
    await passes(office, 4 * MINUTE)
    assert await office.status(response) is Status.PENDING
    await passes(office, MINUTE)
    assert await is_consented(office, response)


async def test_someone_who_leaves_the_channel_and_comes_back_counts_from_their_return(full: Office) -> None:
    response, _ = await full.submit_with_card(SOFT)
    await passes(full, MINUTE)
    for move, kind in ((full.slack.leave, "member_left_channel"), (full.slack.join, "member_joined_channel")):
        move(RITA, CHANNEL)
        event = {"type": kind, "user": RITA, "channel": CHANNEL}
        assert (await full.slack.event(event)).status == 200
        await passes(full, MINUTE)
    full.slack.leave(ROSS, CHANNEL)
    await passes(full, 2 * MINUTE)
    assert await full.status(response) is Status.PENDING
    await passes(full, 3 * MINUTE)
    assert await is_consented(full, response)


async def test_one_of_two_viewers_may_leave(full: Office) -> None:
    response, _ = await full.submit_with_card(SOFT)
    await passes(full, 4 * MINUTE)
    full.slack.leave(RITA, CHANNEL)
    await passes(full, MINUTE)
    assert await is_consented(full, response)


async def test_a_deleted_card_is_posted_again_and_its_silence_starts_from_zero(office: Office) -> None:
    response, card = await office.submit_with_card(SOFT)
    await passes(office, 4 * MINUTE)
    office.slack.delete(card)
    await passes(office, MINUTE)
    again = await office.card(response)
    assert (await office.status(response), again.ts != card.ts) == (Status.PENDING, True)
    await passes(office, 4 * MINUTE)
    assert await office.status(response) is Status.PENDING
    await passes(office, MINUTE)
    assert await is_consented(office, response)


async def test_a_card_that_cannot_be_updated_and_is_posted_again_starts_from_zero(office: Office) -> None:
    response, card = await office.submit_with_card(SOFT)
    await passes(office, 4 * MINUTE)
    office.slack.faults.error("chat.update", "edit_window_closed")
    await office.give(RITA, card, Verb.CLAIM_TASK)
    await office.deliver()
    assert [posted.ts == card.ts for posted in office.cards()] == [True, False]
    await passes(office, 2 * MINUTE)
    assert await office.status(response) is Status.PENDING


async def test_an_update_of_the_card_does_not_reset_the_silence(office: Office) -> None:
    response, card = await office.submit_with_card(SOFT)
    await passes(office, 4 * MINUTE)
    await office.give(RITA, card, Verb.CLAIM_TASK)
    assert ((await office.card(response)).edits, len(office.cards())) == (card.edits + 1, 1)
    await passes(office, MINUTE)
    assert await is_consented(office, response)


@pytest.mark.parametrize(
    "changed", [{"archived": True}, {"bot_in": False}, {"private": True, "bot_in": False}], ids=str
)
async def test_a_card_that_moves_to_the_fallback_channel_starts_from_zero(
    office: Office, changed: dict[str, Any]
) -> None:
    """Also if Slack's event about the channel was lost."""
    response, _ = await office.submit_with_card(SOFT)
    await passes(office, 4 * MINUTE)
    office.slack.change_channel(CHANNEL, **changed)
    await passes(office, MINUTE)
    assert (await office.status(response), await viewers(office, response)) == (Status.PENDING, {ROSS, SENTA})
    assert len(office.cards(SPARE)) == 1
    await passes(office, 4 * MINUTE)
    assert await office.status(response) is Status.PENDING
    await passes(office, MINUTE)
    assert await is_consented(office, response)


async def test_a_card_that_moves_after_an_event_about_its_channel_starts_from_zero(office: Office) -> None:
    response, _ = await office.submit_with_card(SOFT)
    await passes(office, 4 * MINUTE)
    office.slack.change_channel(CHANNEL, archived=True)
    await office.slack.event({"type": "channel_archive", "channel": CHANNEL})
    await office.deliver()
    await passes(office, 4 * MINUTE)
    assert (await office.status(response), await viewers(office, response)) == (Status.PENDING, {ROSS, SENTA})


async def test_an_emptied_channel_makes_the_package_hard(full: Office) -> None:
    response, _ = await full.submit_with_card(SOFT)
    await passes(full, 4 * MINUTE)
    full.slack.change_channel(CHANNEL, members=())
    await passes(full, MINUTE)
    assert standing(await full.state(response)) == (Status.PENDING, HITLLevel.HARD_APPROVAL, "silence-unproven")


async def test_a_removed_app_makes_the_package_hard(office: Office) -> None:
    response, _ = await office.submit_with_card(SOFT)
    await passes(office, 4 * MINUTE)
    assert office.running.service.slack is not None
    clockwork = office.running.service.slack.clockwork
    office.clock.passes(MINUTE)
    await clockwork.heart.time_skipped()
    office.slack.workspace.token_error = "account_inactive"
    await clockwork.sweep.tick()
    await clockwork.consents.tick()
    assert standing(await office.state(response)) == (Status.PENDING, HITLLevel.HARD_APPROVAL, "silence-unproven")


@pytest.mark.parametrize("method", [MEMBERS, LINK])
async def test_consent_waits_while_slack_is_too_busy_for_the_proof(office: Office, method: str) -> None:
    response, _ = await office.submit_with_card(SOFT)
    await passes(office, 4 * MINUTE)
    office.slack.faults.rate_limited(method, seconds=60)
    await passes(office, MINUTE)
    assert await office.status(response) is Status.PENDING
    office.slack.faults.clear()
    await passes(office, MINUTE)
    await passes(office, MINUTE)
    assert await is_consented(office, response)


@pytest.mark.parametrize("method", [MEMBERS, LINK])
async def test_a_silence_that_slack_cannot_prove_before_the_hard_timeout_becomes_hard(
    office: Office, method: str
) -> None:
    response, _ = await office.submit_with_card(SOFT)
    office.slack.faults.status(503, method, times=None)
    for _ in range(25):
        await passes(office, 60 * MINUTE)
    assert standing(await office.state(response)) == (Status.PENDING, HITLLevel.HARD_APPROVAL, "timeout")


NO_CHANNEL = POLICY.replace(f'default = "{CHANNEL}"', "")


@pytest.fixture
async def direct(database_url: str, tmp_path: Path) -> AsyncIterator[Office]:
    """No channel: Rita and Ross get direct messages."""
    async with open_office(database_url, tmp_path, NO_CHANNEL) as opened:
        yield opened


async def test_receivers_of_direct_messages_count_each_from_their_own_card(direct: Office) -> None:
    response = await direct.submit(SOFT)
    await direct.deliver()
    shown = (await direct.state(response)).shown
    assert shown is not None
    places = {who: direct.slack.direct(who) for who in (RITA, ROSS)}
    assert {card.channel: set(card.since) for card in shown.cards} == {places[who]: {who} for who in places}
    await passes(direct, 5 * MINUTE)
    assert await is_consented(direct, response)


async def test_a_lost_direct_message_loses_only_its_receivers_time(direct: Office) -> None:
    response = await direct.submit(SOFT)
    await direct.deliver()
    await direct.slack.command(ROSS, "/reviews", "away 2h")
    await passes(direct, 3 * MINUTE)
    await direct.slack.command(ROSS, "/reviews", "back")
    direct.slack.delete(direct.cards(RITA)[0])
    await passes(direct, 2 * MINUTE)
    assert await direct.status(response) is Status.PENDING
    assert len(direct.cards(RITA)) == 1
    await passes(direct, 3 * MINUTE)
    assert await is_consented(direct, response)


async def test_sixty_packages_due_at_once_read_their_channel_once(office: Office) -> None:
    key = await office.hire("Crowd", per_minute=UNLIMITED)
    tolds = [await office.submit({**SOFT, "subject_id": f"C-{number}"}, key=key) for number in range(60)]
    await office.deliver()
    before = len(office.slack.calls_to(MEMBERS))
    await passes(office, 5 * MINUTE)
    assert {await office.status(response) for response in tolds} == {Status.CONSENTED}
    assert len(office.slack.calls_to(MEMBERS)) == before + 1
    assert len({call.arguments["message_ts"] for call in office.slack.calls_to(LINK)}) == len(tolds)


async def test_a_slow_proof_delays_nothing_else_that_is_due(office: Office) -> None:
    response, _ = await office.submit_with_card(SOFT)
    hard = await office.submit({**HARD, "expires_at": (office.clock.now + 5 * MINUTE).isoformat()})
    await office.deliver()
    gate = office.slack.faults.hold(LINK)
    waiting = asyncio.create_task(passes(office, 5 * MINUTE))
    await gate.wait_until_reached()
    assert office.running.service.slack is not None
    await office.running.service.slack.clockwork.sweep.tick()
    assert (await office.status(response), await office.status(hard)) == (Status.PENDING, Status.EXPIRED)
    gate.open()
    await waiting
    assert await is_consented(office, response)


async def test_a_card_shown_by_an_earlier_release_is_proven_again_before_its_silence_counts(office: Office) -> None:
    """That release stored when the card was shown, but not who saw it."""
    response, _ = await office.submit_with_card(SOFT)
    state = await office.state(response)
    assert state.shown is not None
    old = json.loads(state.model_dump_json()) | {"shown": {"at": state.shown.at.isoformat(), "version": 1}}
    here = (PACKAGES.c.package_id == response.id,)
    await office.store.write(
        lambda connection: connection.execute(update(PACKAGES).where(*here).values(state=json.dumps(old)))
    )
    await passes(office, 5 * MINUTE)
    assert (await office.status(response), await viewers(office, response)) == (Status.PENDING, {RITA})
    await passes(office, 5 * MINUTE)
    assert await is_consented(office, response)
