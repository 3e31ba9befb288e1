"""The directory of people and groups: updated at once by Slack's events, and not used when it is stale."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from playground.slack import Slack
from rules.policy.parse import read_policy
from rules.reasons import Reason
from rules.state.model import Status
from store.commands.policies import PolicyFile, activate_policy
from tests.bot.slack.office import (
    CHANNEL,
    CRITICAL,
    GROUP,
    HARD,
    NOBODY,
    POLICY,
    RITA,
    ROSE,
    SENIORS_FOR_ALL,
    SENTA,
    SOFT,
    SUSI,
    SVEN,
    Office,
    furnish,
    open_office,
)
from tests.rules.world import NOW

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

SHORT = POLICY.replace('max_age = "1000d"', 'max_age = "6h"')


async def test_a_person_removed_from_the_group_is_refused_at_once_until_they_are_added_again(office: Office) -> None:
    proposal, card = await office.submit_with_card()
    await office.regroup(removed=(SENTA,))
    await office.click(SENTA, card, "approve")
    assert "role to decide this" in await office.refused(SENTA)
    assert await office.refusals(proposal) == [(SENTA, Reason.WRONG_ROLE)]
    await office.regroup(added=(SENTA,))
    await office.approve(SENTA, card)
    assert await office.status(proposal) is Status.APPROVED


async def test_two_simultaneous_changes_do_not_undo_each_other(office: Office) -> None:
    proposal, card = await office.submit_with_card()
    users = (SENTA, SVEN)
    await asyncio.gather(*(office.regroup(removed=(user,)) for user in users))
    for user in users:
        await office.click(user, card, "approve")
        assert "role to decide this" in await office.refused(user)
    assert await office.refusals(proposal) == [(user, Reason.WRONG_ROLE) for user in users]


async def test_a_reviewer_removed_while_their_form_is_open_is_refused(office: Office) -> None:
    proposal, card = await office.submit_with_card()
    await office.click(SENTA, card, "reject")
    await office.regroup(removed=(SENTA,))
    await office.slack.submit(SENTA, {"comment": "No."})
    view = office.slack.modal(SENTA)
    assert view is not None
    assert (view.title, "role to decide this" in view.shown) == ("Not possible", True)
    assert await office.status(proposal) is Status.PENDING
    assert await office.refusals(proposal) == [(SENTA, Reason.WRONG_ROLE)]


async def test_the_vote_of_a_removed_reviewer_no_longer_counts(database_url: str, tmp_path: Path) -> None:
    async with open_office(database_url, tmp_path, SENIORS_FOR_ALL) as office:
        proposal, card = await office.submit_with_card(CRITICAL)
        await office.read_first(card, SENTA, SUSI)
        await office.approve(SENTA, card)
        assert (await office.read(proposal)).body["interrupt"]["quorum"]["have"] == 1
        await office.regroup(removed=(SENTA,))
        assert (await office.read(proposal)).body["interrupt"]["quorum"]["have"] == 0
        await office.approve(SUSI, await office.card(proposal))
        assert await office.status(proposal) is Status.PENDING


async def test_a_person_added_to_the_group_may_decide_at_once(office: Office) -> None:
    proposal, card = await office.submit_with_card()
    await office.click(NOBODY, card, "approve")
    assert "role to decide this" in await office.refused(NOBODY)
    await office.regroup(added=(NOBODY,))
    await office.approve(NOBODY, card)
    assert await office.status(proposal) is Status.APPROVED


@pytest.mark.parametrize(
    "changed",
    [pytest.param({"members": [SVEN]}, id="without them"), pytest.param({"disabled": True}, id="switched off")],
)
async def test_a_group_update_from_slack_replaces_the_group(office: Office, changed: dict[str, object]) -> None:
    proposal, card = await office.submit_with_card()
    office.slack.change_group(GROUP, **changed)
    await office.slack.event(office.slack.group_event(GROUP))
    await office.click(SENTA, card, "approve")
    assert "role to decide this" in await office.refused(SENTA)
    assert await office.status(proposal) is Status.PENDING


async def test_a_group_that_the_policy_does_not_name_gives_nobody_a_role(office: Office) -> None:
    proposal, card = await office.submit_with_card()
    office.slack.add_group("S0OTHERS", [NOBODY])
    event = {"type": "subteam_members_changed", "subteam_id": "S0OTHERS", "added_users": [NOBODY], "removed_users": []}
    await office.slack.event(event)
    await office.click(NOBODY, card, "approve")
    assert "role to decide this" in await office.refused(NOBODY)
    assert await office.refusals(proposal) == [(NOBODY, Reason.WRONG_ROLE)]


async def test_a_group_that_another_replica_has_just_added_to_the_policy_is_read(office: Office) -> None:
    named = POLICY.replace(f'groups = ["{GROUP}"]', f'groups = ["{GROUP}", "S0OTHERS"]')
    applied = PolicyFile(read_policy(named), named)
    await office.running.service.store.write(lambda connection: activate_policy(connection, applied, NOW))
    event = {"type": "subteam_members_changed", "subteam_id": "S0OTHERS", "added_users": [NOBODY], "removed_users": []}
    await office.slack.event(event)
    roster = await office.running.service.store.read(office.running.service.store.installation.roster)
    assert NOBODY in roster.directory.groups["S0OTHERS"]


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        pytest.param({"deleted": True}, Reason.DEACTIVATED, id="deactivated"),
        pytest.param({"guest": "multi"}, Reason.A_GUEST, id="made a guest"),
    ],
)
async def test_changes_of_a_person_apply_at_once(office: Office, changed: dict[str, object], reason: Reason) -> None:
    proposal, card = await office.submit_with_card()
    office.slack.change_person(SENTA, **changed)
    await office.slack.event(office.slack.person_event(SENTA))
    await office.click(SENTA, card, "approve")
    await office.refused(SENTA)
    assert await office.refusals(proposal) == [(SENTA, reason)]
    office.slack.change_person(SENTA, deleted=False, guest="")
    await office.slack.event(office.slack.person_event(SENTA))
    await office.approve(SENTA, card)
    assert await office.status(proposal) is Status.APPROVED


async def test_a_person_who_joins_the_team_is_known_at_once(office: Office) -> None:
    proposal, card = await office.submit_with_card()
    office.slack.add_person("UNEW", name="New")
    office.slack.join("UNEW", CHANNEL)
    await office.slack.event(office.slack.person_event("UNEW", "team_join"))
    await office.click("UNEW", card, "approve")
    assert "role to decide this" in await office.refused("UNEW")
    assert await office.refusals(proposal) == [("UNEW", Reason.WRONG_ROLE)]


async def test_changes_without_an_event_are_found_when_the_directory_is_read_again(office: Office) -> None:
    proposal, card = await office.submit_with_card()
    office.slack.change_group(GROUP, members=[SVEN])
    office.clock.passes(timedelta(minutes=31))
    await office.read_directory()
    await office.click(SENTA, card, "approve")
    assert "role to decide this" in await office.refused(SENTA)
    assert await office.refusals(proposal) == [(SENTA, Reason.WRONG_ROLE)]


async def test_events_during_a_directory_read_are_not_overwritten_by_older_data(
    office: Office,
) -> None:
    proposal, card = await office.submit_with_card()
    office.clock.passes(timedelta(minutes=31))
    gate = office.slack.faults.hold("usergroups.users.list")
    reading = asyncio.create_task(office.read_directory())
    await gate.wait_until_reached()
    office.slack.change_person(SENTA, deleted=True)
    await office.slack.event(office.slack.person_event(SENTA))
    gate.open()
    await reading
    await office.click(SENTA, card, "approve")
    assert "deactivated" in await office.refused(SENTA)
    assert await office.refusals(proposal) == [(SENTA, Reason.DEACTIVATED)]


async def test_a_late_event_does_not_give_authority_back_to_a_deactivated_person(office: Office) -> None:
    proposal, card = await office.submit_with_card()
    before = {**office.slack.person_event(SENTA), "event_ts": office.slack.workspace.ids.ts()}
    office.slack.change_person(SENTA, deleted=True)
    await office.slack.event(office.slack.person_event(SENTA))
    await office.slack.event(before, retry=1, reason="http_error")
    await office.click(SENTA, card, "approve")
    assert "deactivated" in await office.refused(SENTA)
    assert await office.refusals(proposal) == [(SENTA, Reason.DEACTIVATED)]


async def test_an_event_that_slack_repeats_does_not_give_a_role_back(office: Office) -> None:
    proposal, card = await office.submit_with_card()
    added = {"type": "subteam_members_changed", "subteam_id": GROUP, "added_users": [NOBODY], "removed_users": []}
    event = {**added, "event_ts": office.slack.workspace.ids.ts()}
    await office.slack.event(event, event_id="EvADDED")
    await office.slack.event({**added, "added_users": [], "removed_users": [NOBODY]})
    await office.slack.event(event, event_id="EvADDED", retry=1, reason="http_error")
    await office.click(NOBODY, card, "approve")
    assert "role to decide this" in await office.refused(NOBODY)
    assert await office.refusals(proposal) == [(NOBODY, Reason.WRONG_ROLE)]


async def test_an_event_older_than_the_last_reading_gives_nobody_authority_and_the_directory_is_read_again(
    office: Office,
) -> None:
    proposal, card = await office.submit_with_card()
    before = {**office.slack.person_event(SENTA), "event_ts": office.slack.workspace.ids.ts()}
    office.slack.change_person(SENTA, deleted=True)
    office.clock.passes(timedelta(minutes=31))
    await office.read_directory()
    read = len(office.slack.calls_to("users.list"))
    await office.slack.event(before)
    await office.click(SENTA, card, "approve")
    assert "deactivated" in await office.refused(SENTA)
    await office.read_directory()
    assert len(office.slack.calls_to("users.list")) == read + 1
    assert await office.refusals(proposal) == [(SENTA, Reason.DEACTIVATED)]


async def test_a_directory_that_changes_during_each_read_keeps_the_state_of_the_events(office: Office) -> None:
    office.clock.passes(timedelta(minutes=31))
    before = len(office.slack.calls_to("users.list"))
    gate = office.slack.faults.hold("usergroups.users.list")
    reading = asyncio.create_task(office.read_directory())
    for number in range(3):
        await gate.wait_until_reached()
        office.slack.change_person(RITA, name=f"Rita {number}")
        await office.slack.event(office.slack.person_event(RITA))
        held, gate = gate, office.slack.faults.hold("usergroups.users.list")
        held.open()
    await reading
    assert len(office.slack.calls_to("users.list")) == before + 3
    assert office.directory.trouble == "it changed while it was read"


def _without_groups(slack: Slack) -> None:
    furnish(slack)
    slack.faults.groups_unreadable()


async def test_if_a_group_cannot_be_read_at_startup_nobody_decides_until_it_can(
    database_url: str, tmp_path: Path
) -> None:
    async with open_office(database_url, tmp_path, scene=_without_groups) as office:
        assert (await office.submit(HARD)).problem == (503, Reason.DIRECTORY_STALE)
        asked = await office.slack.command(RITA, "/reviews", "queue")
        assert "directory of people is out of date" in asked.body["text"]
        office.slack.faults.clear()
        await office.read_directory()
        proposal, card = await office.submit_with_card()
        await office.approve(SENTA, card)
        assert await office.status(proposal) is Status.APPROVED


async def test_with_a_stale_directory_nobody_decides(database_url: str, tmp_path: Path) -> None:
    async with open_office(database_url, tmp_path, SHORT) as office:
        proposal, card = await office.submit_with_card()
        before = await office.standing(proposal)
        office.slack.faults.groups_unreadable()
        office.clock.passes(timedelta(hours=6, seconds=1))
        await office.read_directory()
        for user in (SENTA, SUSI):
            await office.click(user, card, "approve")
            assert "directory of people is out of date" in await office.refused(user)
        await office.click(ROSE, card, "reject")
        assert "directory of people is out of date" in await office.refused(ROSE)
        assert await office.standing(proposal) == before
        refused = [(user, Reason.DIRECTORY_STALE) for user in (SENTA, SUSI, ROSE)]
        assert await office.refusals(proposal) == refused
        assert (await office.submit(SOFT)).status == 503


async def test_a_directory_holds_up_to_its_maximum_age_and_again_after_a_read(
    database_url: str, tmp_path: Path
) -> None:
    async with open_office(database_url, tmp_path, SHORT) as office:
        first, card = await office.submit_with_card()
        office.slack.faults.groups_unreadable()
        office.clock.passes(timedelta(hours=6))
        await office.read_directory()
        await office.approve(SENTA, card)
        assert await office.status(first) is Status.APPROVED
        office.slack.faults.clear()
        office.clock.passes(timedelta(hours=1))
        await office.read_directory()
        second, card = await office.submit_with_card({**HARD, "action_parameters": {"record": "7"}})
        await office.approve(SENTA, card)
        assert await office.status(second) is Status.APPROVED


async def test_reading_a_large_workspace_resumes_where_slack_limited_it(office: Office) -> None:
    for number in range(500):
        office.slack.add_person(f"UMANY{number}", name=f"Person {number}")
    office.clock.passes(timedelta(hours=1))
    asked = len(office.slack.calls_to("users.list"))
    gate = office.slack.faults.hold("users.list")
    reading = asyncio.create_task(office.read_directory())
    await gate.wait_until_reached()
    office.slack.faults.rate_limited("users.list")
    gate.open()
    await reading
    office.slack.faults.clear()
    await office.read_directory()
    pages = [call for call in office.slack.calls_to("users.list")[asked:] if call.answer.get("ok")]
    assert len({call.arguments.get("cursor", "") for call in pages}) == len(pages) == 3
    roster = await office.store.read(office.store.installation.roster)
    assert roster.person("UMANY499") is not None
