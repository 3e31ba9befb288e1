"""Actions around a decision: claim, recuse, comment, extend, revoke, and actions in Details."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from rules.reasons import Reason
from rules.scales import HITLLevel
from rules.state.commands import Verb
from rules.state.model import Status
from store.packages.autonomy import load_profile
from tests.bot.service import AUTOMATIC, TAKEOVER, Response
from tests.bot.slack.forms import press_unoffered
from tests.bot.slack.office import (
    ADAM,
    HARD,
    NOBODY,
    OWEN,
    POLICY,
    RITA,
    ROSE,
    SENTA,
    SOFT,
    SUSI,
    SVEN,
    Office,
    open_office,
)
from tests.rules.world import DAY

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

SAMPLED = POLICY + "\n[soft]\nsample = 1.0\n"
THREADED = {**HARD, "thread_id": "thr_1"}
OTHER = {**HARD, "thread_id": "thr_1", "action_parameters": {"record": "7"}}
OVERRIDE = {"override_decision": "proceed", "override_reason": "The audit is tomorrow.", "evidence_refs": "ticket 7"}


async def test_the_reviewer_who_claims_a_package_is_named_on_the_card_and_nobody_else_can_claim_it(
    office: Office,
) -> None:
    proposal, card = await office.submit_with_card()
    await office.details(SVEN, card)
    await office.give(SENTA, card, Verb.CLAIM_TASK)
    assert (await office.read(proposal)).body["interrupt"]["assigned_to"] == SENTA
    assert "Senta has taken this up" in (await office.card(proposal)).shown
    view = office.slack.modal(SENTA)
    assert view is not None
    assert "claim_task" not in view.action_ids
    await office.slack.click_modal(SVEN, "claim_task")
    refused = office.slack.modal(SVEN)
    assert refused is not None
    assert "has taken this up" in refused.shown
    assert await office.refusals(proposal) == [(SVEN, Reason.TASK_CLAIMED)]


async def test_a_claimed_package_may_still_be_decided_by_another_reviewer(office: Office) -> None:
    proposal, card = await office.submit_with_card()
    await office.give(SENTA, card, Verb.CLAIM_TASK)
    await office.approve(SVEN, await office.card(proposal))
    assert await office.status(proposal) is Status.APPROVED


async def test_a_recused_reviewer_is_not_asked_in_any_later_version(office: Office) -> None:
    proposal, card = await office.submit_with_card()
    await office.give(SENTA, card, Verb.RECUSE, {"comment": "My brother works there."})
    assert (await office.read(proposal)).body["status"] == "pending"
    await office.version(proposal, {**HARD, "action_parameters": {"record": "43"}})
    card = await office.card(proposal)
    await office.click(SENTA, card, "approve")
    assert "You recused yourself" in await office.refused(SENTA)
    assert await office.refusals(proposal) == [(SENTA, Reason.IS_RECUSED)]
    await office.approve(SVEN, card)
    assert await office.status(proposal) is Status.APPROVED


async def test_when_the_last_of_a_role_steps_aside_the_next_role_is_asked_at_once(
    database_url: str, tmp_path: Path
) -> None:
    async with open_office(database_url, tmp_path, POLICY.replace('includes = ["senior_reviewer"]\n', "")) as office:
        proposal, card = await office.submit_with_card()
        await office.give(SENTA, card, Verb.RECUSE, {})
        assert (await office.state(proposal)).task.rung == 0
        await office.give(SVEN, await office.card(proposal), Verb.RECUSE, {})
        read = (await office.read(proposal)).body
        assert (read["interrupt"]["required_role"], read["interrupt"]["rung"]) == ("supervisor", 1)
        await office.approve(SUSI, await office.card(proposal))
        assert await office.status(proposal) is Status.APPROVED


async def test_a_comment_for_reviewers_is_saved_and_shown_and_decides_nothing(office: Office) -> None:
    proposal, card = await office.submit_with_card()
    before = await office.standing(proposal)
    await office.give(SENTA, card, Verb.COMMENT, {"comment": "I asked the customer.", "audience": "Reviewers only"})
    assert await office.standing(proposal) == before
    assert [event["actor"] for event in await office.events(proposal, "human.commented")] == [SENTA]
    assert "I asked the customer." in (await office.card(proposal)).shown


async def test_a_comment_needs_a_role(office: Office) -> None:
    proposal, card = await office.submit_with_card()
    view = await press_unoffered(office, NOBODY, card, Verb.COMMENT)
    assert "role to decide this" in view.shown
    assert await office.events(proposal, "human.commented") == []


async def test_a_deadline_moves_to_a_later_time(office: Office) -> None:
    proposal, card = await office.submit_with_card()
    due = (await office.state(proposal)).task.due_at
    until = due + DAY
    await office.give(SENTA, card, Verb.EXTEND, {"until": int(until.timestamp()), "comment": "She is on leave."})
    read = (await office.read(proposal)).body
    assert datetime.fromisoformat(read["interrupt"]["expires_at"]) == until


async def test_the_requester_cannot_extend_the_deadline(office: Office) -> None:
    proposal, card = await office.submit_with_card({**HARD, "requested_by": SENTA})
    view = await press_unoffered(office, SENTA, card, Verb.EXTEND)
    assert "You asked for this" in view.shown
    assert await office.refusals(proposal) == [(SENTA, Reason.IS_REQUESTER)]


@pytest.mark.parametrize("user", [pytest.param(ROSE, id="the requester"), pytest.param(OWEN, id="the agent's owner")])
async def test_the_requester_and_the_owner_may_withdraw_a_package(office: Office, user: str) -> None:
    proposal, card = await office.submit_with_card()
    await office.give(user, card, Verb.WITHDRAW, {"comment": "No longer needed."})
    read = (await office.read(proposal)).body
    assert (read["status"], read["may_proceed"], read["interrupt"]["status"]) == ("cancelled", False, "cancelled")
    card = await office.card(proposal)
    assert (f"{user[1:].capitalize()} withdrew this" in card.shown, "No longer needed." in card.shown) == (True, True)


async def test_a_reviewer_cannot_withdraw_a_request_of_others(office: Office) -> None:
    proposal, card = await office.submit_with_card()
    view = await press_unoffered(office, SENTA, card, Verb.WITHDRAW)
    assert "can withdraw this" in view.shown
    assert await office.refusals(proposal) == [(SENTA, Reason.NOT_YOURS_TO_WITHDRAW)]
    assert await office.status(proposal) is Status.PENDING


@pytest.mark.parametrize("user", [pytest.param(SVEN, id="another reviewer"), pytest.param(ROSE, id="the requester")])
async def test_an_approval_is_revoked_before_it_is_claimed(office: Office, user: str) -> None:
    proposal, card = await office.submit_with_card()
    await office.approve(SENTA, card)
    await office.give(user, await office.card(proposal), Verb.REVOKE, {"comment": "The order was recalled."})
    read = (await office.read(proposal)).body
    assert (read["status"], read["may_proceed"]) == ("revoked", False)
    assert (await office.claim(proposal)).status == 409
    assert "The order was recalled." in (await office.card(proposal)).shown


async def test_a_claimed_approval_cannot_be_revoked(office: Office) -> None:
    proposal, card = await office.submit_with_card()
    await office.approve(SENTA, card)
    await office.details(SVEN, await office.card(proposal))
    assert (await office.claim(proposal)).status == 200
    await office.slack.click_modal(SVEN, "revoke")
    view = office.slack.modal(SVEN)
    assert view is not None
    assert "already claimed" in view.shown
    assert await office.refusals(proposal) == [(SVEN, Reason.ALREADY_CLAIMED)]
    assert "revoke" not in (await office.details(SENTA, await office.card(proposal))).action_ids


async def test_a_taken_over_thread_is_held_until_it_is_handed_back(office: Office) -> None:
    proposal, card = await office.submit_with_card(THREADED)
    await office.give(SENTA, card, Verb.TAKE_OVER, {"comment": "I call them."})
    assert (await office.submit(OTHER)).problem == (409, "thread-taken-over")
    card = await office.card(proposal)
    assert "paused in its thread until someone hands it back" in card.shown
    view = await press_unoffered(office, SVEN, card, Verb.HAND_BACK)
    assert "who took this over" in view.shown
    assert (await office.submit(OTHER)).status == 409
    await office.give(SENTA, card, Verb.HAND_BACK, {"comment": "They agreed."})
    assert (await office.submit(OTHER)).status == 202
    assert await office.status(proposal) is Status.TAKEN_OVER
    assert "Senta handed the thread back" in (await office.card(proposal)).shown


async def test_an_admin_may_hand_a_thread_back(office: Office) -> None:
    proposal, card = await office.submit_with_card(THREADED)
    await office.give(SENTA, card, Verb.TAKE_OVER, {})
    await office.give(ADAM, await office.card(proposal), Verb.HAND_BACK, {})
    assert (await office.submit(OTHER)).status == 202


async def test_a_package_that_needs_a_person_offers_takeover_instead_of_approval(office: Office) -> None:
    proposal, card = await office.submit_with_card({**TAKEOVER, "thread_id": "thr_1"})
    assert (await office.state(proposal)).level is HITLLevel.HUMAN_TAKEOVER
    offered = [label for label in card.labels if label in ("Approve", "Override", "Take over", "Reject")]
    assert offered == ["Take over", "Reject"]
    assert (await office.submit(OTHER)).problem == (409, "thread-taken-over")
    await office.give(RITA, card, Verb.TAKE_OVER, {"comment": "Mine."})
    assert (await office.read(proposal)).body["status"] == "taken_over"


async def test_a_sampled_package_is_judged_from_the_list(database_url: str, tmp_path: Path) -> None:
    async with open_office(database_url, tmp_path, SAMPLED) as office:
        proposal, card = await office.submit_with_card()
        await office.give(SENTA, card, Verb.OVERRIDE, OVERRIDE)
        for user in (SENTA, SVEN):
            await office.slack.command(user, "/reviews", "sampled")
        own, listed = office.slack.private_notes(SENTA)[-1], office.slack.private_notes(SVEN)[-1]
        assert "Judge" not in own.labels
        view = await press_unoffered(office, SENTA, await office.card(proposal), Verb.JUDGE)
        assert "already counts" in view.shown
        await office.click(SVEN, listed, "judge")
        await office.slack.submit(SVEN, {"verdict": "unsound", "comment": "The ticket is old."})
        assert (await office.state(proposal)).verdict == "unsound"
        (judged,) = await office.events(proposal, "review.judged")
        assert (judged["actor"], judged["outcome"]) == (SVEN, "unsound")
        assert "Judged unsound" in (await office.card(proposal)).shown
        listing = await office.slack.command(SVEN, "/reviews", "sampled")
        assert "Judge" not in listing.notes[-1].labels


async def _automatic(office: Office) -> Response:
    """A package that the policy allows without asking, claimed and executed. It has no card."""
    proposal = await office.submit(AUTOMATIC)
    assert (proposal.status, await office.status(proposal)) == (201, Status.APPROVED)
    assert (await office.claim(proposal)).status == 200
    assert (await office.report(proposal)).status == 200
    return proposal


async def _success_counts(office: Office, proposal: Response) -> tuple[int, int] | None:
    """Successes in a row and recent failures."""
    state = await office.state(proposal)
    whose = (state.tenant_id, state.agent_id, state.action_type)
    profile = await office.world.read(lambda connection: load_profile(connection, *whose))
    return (profile.consecutive_successes, len(profile.recent_failures)) if profile else None


@pytest.mark.parametrize(("verdict", "earned"), [("sound", (1, 0)), ("unsound", (0, 1))])
async def test_judging_an_automatic_execution_changes_the_agents_trust(
    database_url: str, tmp_path: Path, verdict: str, earned: tuple[int, int]
) -> None:
    async with open_office(database_url, tmp_path, SAMPLED) as office:
        proposal = await _automatic(office)
        assert await _success_counts(office, proposal) is None
        listed = await office.reviews(RITA, "sampled")
        assert "Read the record" in listed.shown
        await office.click(RITA, listed, "judge")
        assert (await office.slack.submit(RITA, {"verdict": verdict})).errors == {}
        (judged,) = await office.events(proposal, "review.judged")
        assert (judged["actor"], judged["outcome"]) == (RITA, verdict)
        assert await _success_counts(office, proposal) == earned
        assert "No items to review." in (await office.reviews(RITA, "sampled")).shown


async def test_an_automatic_execution_is_judged_from_its_details(database_url: str, tmp_path: Path) -> None:
    async with open_office(database_url, tmp_path, SAMPLED) as office:
        proposal = await _automatic(office)
        shown = await office.reviews(SENTA, f"show {proposal.id}")
        assert "see Details" in shown.shown
        assert "judge" in (await office.details(SENTA, shown, Verb.JUDGE)).title.lower()
        assert (await office.slack.submit(SENTA, {"verdict": "sound"})).errors == {}
        assert (await office.state(proposal)).verdict == "sound"


async def test_an_approval_revoked_before_execution_is_not_judged(database_url: str, tmp_path: Path) -> None:
    async with open_office(database_url, tmp_path, SAMPLED) as office:
        proposal = await office.submit(AUTOMATIC)
        await office.give(
            RITA, await office.reviews(RITA, f"show {proposal.id}"), Verb.REVOKE, {"comment": "Recalled."}
        )
        assert await office.status(proposal) is Status.REVOKED
        shown = await office.reviews(RITA, f"show {proposal.id}")
        assert "Second look" not in shown.shown
        assert "judge" not in (await office.details(RITA, shown)).action_ids
        assert "No items to review." in (await office.reviews(RITA, "sampled")).shown


async def test_an_ordinary_approval_is_not_judged(database_url: str, tmp_path: Path) -> None:
    async with open_office(database_url, tmp_path, SAMPLED) as office:
        proposal, card = await office.submit_with_card(SOFT)
        await office.click(RITA, card, "approve")
        assert "judge" not in (await office.details(SENTA, await office.card(proposal))).action_ids
