"""Critical packages need two people, one of them a supervisor, and both must have read Details."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from rules.reasons import Reason
from rules.state.model import Status
from tests.bot.slack.office import CRITICAL, RITA, SAUL, SENIORS_FOR_ALL, SENTA, SUSI, SVEN, Office, open_office

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
async def office(database_url: str, tmp_path: Path) -> AsyncIterator[Office]:
    """With a policy under which seniors may decide on critical packages too."""
    async with open_office(database_url, tmp_path, SENIORS_FOR_ALL) as office:
        yield office


async def test_a_critical_approval_requires_the_approver_to_open_details(office: Office) -> None:
    proposal, card = await office.submit_with_card(CRITICAL)
    assert "Open Details before you approve" in card.shown
    await office.click(SENTA, card, "approve")
    assert "Open Details first" in await office.refused(SENTA)
    assert office.slack.modal(SENTA) is None
    assert await office.refusals(proposal) == [(SENTA, Reason.DETAILS_FIRST)]
    await office.read_first(card, SENTA)
    await office.approve(SENTA, card)
    assert (await office.read(proposal)).body["interrupt"]["quorum"]["have"] == 1


async def test_details_opened_by_someone_else_do_not_count(office: Office) -> None:
    proposal, card = await office.submit_with_card(CRITICAL)
    await office.read_first(card, SVEN)
    await office.click(SENTA, card, "approve")
    assert "Open Details first" in await office.refused(SENTA)
    assert await office.refusals(proposal) == [(SENTA, Reason.DETAILS_FIRST)]


async def test_a_new_version_has_to_be_read_again(office: Office) -> None:
    proposal, card = await office.submit_with_card(CRITICAL)
    await office.read_first(card, SENTA)
    await office.version(proposal, {**CRITICAL, "action_parameters": {"record": "43"}})
    await office.click(SENTA, await office.card(proposal), "approve")
    assert "Open Details first" in await office.refused(SENTA)


async def test_rejecting_does_not_require_details(office: Office) -> None:
    proposal, card = await office.submit_with_card(CRITICAL)
    await office.click(SENTA, card, "reject")
    await office.slack.submit(SENTA, {"comment": "No."})
    assert await office.status(proposal) is Status.REJECTED


async def test_the_first_of_two_approvals_is_counted_on_the_card_and_the_second_decides(office: Office) -> None:
    proposal, card = await office.submit_with_card(CRITICAL)
    await office.read_first(card, SENTA, SUSI)
    await office.approve(SENTA, card, "The order is there.")
    read = (await office.read(proposal)).body
    assert (read["status"], read["may_proceed"]) == ("pending", False)
    assert read["interrupt"]["quorum"] == {"needed": 2, "have": 1, "of_role": {"supervisor": {"needed": 1, "have": 0}}}
    card = await office.card(proposal)
    assert "1 of 2 approvals: Senta. Still needed: 1 supervisor." in card.shown
    assert "The order is there." in card.shown
    await office.approve(SUSI, card, "So it is.")
    read = (await office.read(proposal)).body
    decision = read["decision"]
    assert (read["status"], read["may_proceed"], decision["basis"]) == ("approved", True, "quorum")
    assert {reviewer["reviewer_id"]: reviewer["role"] for reviewer in decision["reviewers"]} == {
        SENTA: "senior_reviewer",
        SUSI: "supervisor",
    }


async def test_the_same_person_does_not_count_twice(office: Office) -> None:
    proposal, card = await office.submit_with_card(CRITICAL)
    await office.read_first(card, SUSI)
    await office.approve(SUSI, card)
    await office.click(SUSI, await office.card(proposal), "approve")
    assert "already counts" in await office.refused(SUSI)
    assert office.slack.modal(SUSI) is None
    assert (await office.read(proposal)).body["interrupt"]["quorum"]["have"] == 1
    assert await office.refusals(proposal) == [(SUSI, Reason.ALREADY_COUNTED)]


async def test_two_seniors_are_not_enough_and_a_supervisor_completes_the_quorum(office: Office) -> None:
    proposal, card = await office.submit_with_card(CRITICAL)
    await office.read_first(card, SENTA, SVEN, SUSI)
    for user in (SENTA, SVEN):
        await office.approve(user, await office.card(proposal))
    assert await office.status(proposal) is Status.PENDING
    card = await office.card(proposal)
    assert "Still needed: 1 supervisor" in card.shown
    await office.approve(SUSI, card)
    assert await office.status(proposal) is Status.APPROVED


async def test_two_supervisors_are_enough(office: Office) -> None:
    proposal, card = await office.submit_with_card(CRITICAL)
    await office.read_first(card, SUSI, SAUL)
    for user in (SUSI, SAUL):
        await office.approve(user, await office.card(proposal))
    assert await office.status(proposal) is Status.APPROVED


async def test_one_rejection_is_enough_despite_earlier_approvals(office: Office) -> None:
    proposal, card = await office.submit_with_card(CRITICAL)
    await office.read_first(card, SUSI)
    await office.approve(SUSI, card)
    await office.click(SENTA, await office.card(proposal), "reject")
    await office.slack.submit(SENTA, {"comment": "The order is forged."})
    assert await office.status(proposal) is Status.REJECTED


async def test_a_new_version_voids_the_votes_on_the_one_before(office: Office) -> None:
    proposal, card = await office.submit_with_card(CRITICAL)
    await office.read_first(card, SUSI)
    await office.approve(SUSI, card)
    card = await office.card(proposal)
    await office.click(SENTA, card, "revise")
    await office.slack.submit(SENTA, {"instructions": "Only one record."})
    await office.version(proposal, {**CRITICAL, "action_parameters": {"record": "43"}})
    read = (await office.read(proposal)).body
    assert (read["status"], read["version"], read["interrupt"]["quorum"]["have"]) == ("pending", 2, 0)
    card = await office.card(proposal)
    assert "So far" not in card.shown
    await office.read_first(card, SUSI)
    await office.approve(SUSI, card)
    assert (await office.read(proposal)).body["interrupt"]["quorum"]["have"] == 1


async def test_a_recused_reviewers_vote_is_withdrawn(office: Office) -> None:
    proposal, card = await office.submit_with_card(CRITICAL)
    await office.read_first(card, SUSI)
    await office.approve(SUSI, card)
    await office.click(SUSI, await office.card(proposal), "more", option="Recuse")
    await office.slack.submit(SUSI, {"comment": "My brother works there."})
    assert (await office.read(proposal)).body["interrupt"]["quorum"]["have"] == 0
    await office.click(SUSI, await office.card(proposal), "approve")
    assert "You recused yourself" in await office.refused(SUSI)
    assert await office.refusals(proposal) == [(SUSI, Reason.IS_RECUSED)]


async def test_approvals_and_overrides_do_not_add_up(office: Office) -> None:
    proposal, card = await office.submit_with_card(CRITICAL)
    await office.read_first(card, SUSI, SAUL)
    await office.approve(SUSI, card)
    await office.click(SAUL, await office.card(proposal), "more", option="Override")
    values = {"override_decision": "proceed", "override_reason": "At once.", "evidence_refs": "ticket 7"}
    await office.slack.submit(SAUL, values)
    assert await office.status(proposal) is Status.PENDING


async def test_a_reviewer_below_the_risk_level_does_not_count_towards_the_quorum(office: Office) -> None:
    proposal, card = await office.submit_with_card(CRITICAL)
    await office.read_first(card, RITA)
    await office.click(RITA, card, "approve")
    assert "role to decide this" in await office.refused(RITA)
    assert (await office.read(proposal)).body["interrupt"]["quorum"]["have"] == 0
