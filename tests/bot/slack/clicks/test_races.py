"""Simultaneous, repeated and outdated actions: one counts, and everyone is told the result.

If two commands run at once, both have seen the state before. On PostgreSQL a barrier holds them until both have loaded
the package; on SQLite the single writer loads only after the other is done.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from playground.model.messages import Message
from playground.slack import Slack, stand_in
from rules.state.commands import Verb
from rules.state.model import Status
from tests.bot.service import HARD, SOFT, Response
from tests.bot.slack.office import (
    CHANNEL,
    CONFIRMED,
    CRITICAL,
    POLICY,
    RITA,
    ROSS,
    SECRET,
    SENTA,
    SUSI,
    SVEN,
    Office,
    beside,
    furnish,
    open_office,
)
from tests.store.world import all_load_first

APPROVED = {"comment": "Checked.", "confirmed": [CONFIRMED]}
NAMES = {RITA: "Rita", ROSS: "Ross", SENTA: "Senta", SVEN: "Sven", SUSI: "Susi"}
CROWD = [f"UREV{number:02}" for number in range(16)]


async def deciders(office: Office, proposal: Response) -> list[str]:
    decision = (await office.read(proposal)).body["decision"]
    return [seat["reviewer_id"] for seat in decision["reviewers"]]


async def votes(office: Office, proposal: Response) -> list[str]:
    return [event["actor"] for event in await office.events(proposal, "human.decision_recorded")]


async def forms_open(office: Office, card: Message, *users: str, verb: str = "approve") -> None:
    for user in users:
        await office.click(user, card, verb)
        assert office.slack.modal(user) is not None


def told_alone(office: Office, user: str) -> str:
    """Everything that this user was told privately, with the ids of the people named."""
    notes = [json.dumps(note.blocks) for note in office.slack.private_notes(user)]
    return "\n".join([*notes, *(json.dumps(view.blocks) for view in office.slack.modals(user))])


# Simultaneous actions.


async def test_two_simultaneous_approvals_end_in_one_decision_and_one_refusal_that_names_the_decider(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    proposal, card = await office.submit_with_card(SOFT)
    all_load_first(monkeypatch, office.world, 2)
    both = await asyncio.gather(*(office.click(user, card, "approve") for user in (RITA, ROSS)))
    assert [outcome.status for outcome in both] == [200, 200]
    await office.finish_background()
    (first,) = await deciders(office, proposal)
    (late,) = {RITA, ROSS} - {first}
    assert await votes(office, proposal) == [first]
    assert "already approved by" in told_alone(office, late)
    assert first in told_alone(office, late)
    assert told_alone(office, first) == ""
    assert await office.refusals(proposal) == [(late, "already-decided")]


async def test_two_simultaneous_approvals_that_complete_a_quorum_both_count(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    proposal, card = await office.submit_with_card(CRITICAL)
    await office.read_first(card, SUSI, "USAUL")
    await forms_open(office, card, SUSI, "USAUL")
    all_load_first(monkeypatch, office.world, 2)
    await asyncio.gather(*(office.slack.submit(user, APPROVED) for user in (SUSI, "USAUL")))
    assert (office.slack.modals(SUSI), office.slack.modals("USAUL")) == ([], [])
    assert await office.status(proposal) is Status.APPROVED
    assert set(await deciders(office, proposal)) == set(await votes(office, proposal)) == {SUSI, "USAUL"}
    assert (await office.read(proposal)).body["decision"]["basis"] == "quorum"


async def test_a_simultaneous_approval_and_rejection_end_in_one_decision_and_one_refusal_that_names_the_decider(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    proposal, card = await office.submit_with_card()
    await forms_open(office, card, SENTA)
    await forms_open(office, card, SVEN, verb="reject")
    all_load_first(monkeypatch, office.world, 2)
    await asyncio.gather(
        office.slack.submit(SENTA, APPROVED), office.slack.submit(SVEN, {"comment": "The wrong record."})
    )
    (first,) = await deciders(office, proposal)
    (late,) = {SENTA, SVEN} - {first}
    assert await office.status(proposal) is {SENTA: Status.APPROVED, SVEN: Status.REJECTED}[first]
    assert await votes(office, proposal) == [first]
    assert "already" in told_alone(office, late)
    assert first in told_alone(office, late)
    assert office.slack.modals(first) == []


async def test_an_approval_never_counts_for_a_version_that_arrives_at_the_same_moment(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    proposal, card = await office.submit_with_card()
    await forms_open(office, card, SENTA)
    all_load_first(monkeypatch, office.world, 2)
    _, version = await asyncio.gather(
        office.slack.submit(SENTA, APPROVED), office.version(proposal, HARD | {"action_parameters": {"record": "43"}})
    )
    state = await office.state(proposal)
    came = (state.status, state.version, version.status, len(office.slack.modals(SENTA)))
    assert came in [(Status.APPROVED, 1, 409, 0), (Status.PENDING, 2, 202, 1)]


# Repeated actions.


async def test_a_double_tap_is_one_vote_without_an_error(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    proposal, card = await office.submit_with_card(SOFT)
    all_load_first(monkeypatch, office.world, 2)
    first, second = await office.slack.double_click(RITA, card, "approve")
    await office.finish_background()
    assert (first.ok, second.ok) == (True, True)
    assert first.trigger_id != second.trigger_id
    assert (await votes(office, proposal), await office.refusals(proposal)) == ([RITA], [])
    assert office.slack.private_notes(RITA) == []


async def test_a_double_tap_towards_a_quorum_is_one_vote_and_no_refusal(database_url: str, tmp_path: Path) -> None:
    two = POLICY.replace("[tiers.medium]", "[tiers.medium]\nquorum = 2")
    async with open_office(database_url, tmp_path, two) as office:
        proposal, card = await office.submit_with_card(SOFT)
        await office.slack.double_click(RITA, card, "approve")
        await office.finish_background()
        assert (await office.status(proposal), await votes(office, proposal)) == (Status.PENDING, [RITA])
        assert (await office.refusals(proposal), office.slack.private_notes(RITA)) == ([], [])


async def test_a_redelivered_click_is_one_vote(office: Office) -> None:
    proposal, card = await office.submit_with_card(SOFT)
    outcome = await office.click(RITA, card, "approve")
    again = await office.slack.redeliver(outcome)
    await office.finish_background()
    assert (outcome.status, again.status) == (200, 200)
    assert (await votes(office, proposal), await office.refusals(proposal)) == ([RITA], [])
    assert office.slack.private_notes(RITA) == []


async def test_a_double_tap_on_wake_wakes_once_and_a_later_one_wakes_again(office: Office) -> None:
    """Opened from App Home, so the reader came from no card."""
    proposal, _ = await office.submit_with_card()
    for count in (1, 2):
        await _put_off(office, proposal)
        await _at_home(office, proposal)
        await asyncio.gather(*(office.slack.click_modal(SENTA, "wake") for _ in range(2)))
        await office.slack.close(SENTA, everything=True)
        assert await office.status(proposal) is Status.PENDING
        assert len(await office.events(proposal, "package.pending")) == count
    assert await office.refusals(proposal) == []


async def _put_off(office: Office, proposal: Response) -> None:
    await office.more(SENTA, await office.card(proposal), Verb.DEFER)
    await office.slack.submit(SENTA, {"comment": "Later."})
    assert await office.status(proposal) is Status.DEFERRED


async def _at_home(office: Office, proposal: Response) -> None:
    """Details of a package that Senta decided, opened from her App Home."""
    shown = len(office.slack.calls_to("views.publish"))
    await office.slack.open_home(SENTA)
    await office.slack.until(lambda: len(office.slack.calls_to("views.publish")) > shown)
    await office.finish_background()
    home = office.slack.home(SENTA)
    assert home is not None
    button = next(element for element in home.elements if proposal.id in element.data.get("value", ""))
    await office.slack.click_home(SENTA, "details", block_id=button.block_id)


# Outdated actions.


async def test_a_tap_on_the_card_of_an_older_version_is_answered_with_the_current_version(office: Office) -> None:
    proposal, old = await office.submit_with_card(SOFT)
    await office.version(proposal, SOFT | {"action_parameters": {"record": "43"}})
    await office.card(proposal)
    await office.click(RITA, old, "approve", old_copy=True)
    assert "Version 1 is out of date: the current version is 2" in await office.refused(RITA)
    assert await office.status(proposal) is Status.PENDING
    assert await office.refusals(proposal) == [(RITA, "stale-version")]


async def test_a_tap_on_the_card_of_a_lower_rung_is_answered_with_the_current_role(office: Office) -> None:
    proposal, old = await office.submit_with_card(SOFT)
    await office.click(ROSS, old, "escalate")
    await office.slack.submit(ROSS)
    await office.card(proposal)
    await office.click(SENTA, old, "approve", old_copy=True)
    assert "was escalated to a senior reviewer" in await office.refused(SENTA)
    assert await office.refusals(proposal) == [(SENTA, "stale-rung")]


@pytest.mark.parametrize(
    ("verb", "values", "status"),
    [
        pytest.param("approve", APPROVED, "approved", id="approved"),
        pytest.param("reject", {"comment": "Not now."}, "rejected", id="rejected"),
    ],
)
async def test_a_tap_on_a_decided_card_is_answered_with_the_decider(
    office: Office, verb: str, values: dict[str, Any], status: str
) -> None:
    proposal, old = await office.submit_with_card()
    await office.click(SVEN, old, verb)
    await office.slack.submit(SVEN, values)
    await office.click(SENTA, old, "approve", old_copy=True)
    assert f"already {status} by" in told_alone(office, SENTA)
    assert SVEN in told_alone(office, SENTA)
    assert await deciders(office, proposal) == [SVEN]


async def test_a_card_outlives_the_service_that_posted_it(database_url: str, tmp_path: Path) -> None:
    async with stand_in(signing_secret=SECRET) as slack:
        furnish(slack)
        async with beside(slack, database_url, tmp_path) as office:
            office.key = key = await office.hire("Clerk")
            proposal, card = await office.submit_with_card(SOFT)
        posted, edited = slack.messages(CHANNEL), len(slack.calls_to("chat.update"))
        async with beside(slack, database_url, tmp_path, clock=office.clock) as again:
            again.key = key
            await again.deliver()
            assert slack.messages(CHANNEL) == posted
            assert len(slack.calls_to("chat.update")) == edited
            assert (await again.click(RITA, card, "approve", old_copy=True)).ok
            assert await again.status(proposal) is Status.APPROVED
            settled = await again.card(proposal)
            assert (settled.ts, "Approve" in settled.labels) == (card.ts, False)


def _with_a_crowd(slack: Slack) -> None:
    furnish(slack)
    for user in CROWD:
        slack.add_person(user, name=user.lower())
        slack.join(user, CHANNEL)


async def test_sixteen_people_who_tap_at_once_on_sixteen_packages_each_decide_their_own(
    database_url: str, tmp_path: Path
) -> None:
    policy = POLICY.replace('members = ["URITA", "UROSS"]', f"members = {json.dumps(CROWD)}")
    async with open_office(database_url, tmp_path, policy, scene=_with_a_crowd) as office:
        asked = [await office.submit(SOFT | {"action_parameters": {"record": user}}) for user in CROWD]
        cards = [await office.card(proposal) for proposal in asked]
        taps = (office.click(user, card, "approve") for user, card in zip(CROWD, cards, strict=True))
        assert [outcome.status for outcome in await asyncio.gather(*taps)] == 16 * [200]
        assert [await deciders(office, proposal) for proposal in asked] == [[user] for user in CROWD]
        assert [user for user in CROWD if office.slack.private_notes(user)] == []
        settled = [await office.card(proposal) for proposal in asked]
        assert [card.ts for card in settled] == [card.ts for card in cards]
        assert all("Approve" not in card.labels for card in settled)
