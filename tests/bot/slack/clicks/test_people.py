"""Who may act: everyone in the channel can press every button, and only the service decides whether it counts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from playground.slack import Slack
from rules.reasons import Reason
from rules.state.commands import Verb
from rules.state.model import Status
from tests.bot.slack.forms import press_unoffered
from tests.bot.slack.office import (
    BOT,
    CHANNEL,
    GONE,
    GROUP,
    GUEST,
    HARD,
    NOBODY,
    OWEN,
    POLICY,
    RITA,
    ROSE,
    SENTA,
    SOFT,
    STRANGER,
    SVEN,
    Office,
    furnish,
    open_office,
)

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

LONER = "ULONER"  # a guest of a single channel


@pytest.fixture
async def office(database_url: str, tmp_path: Path) -> AsyncIterator[Office]:
    """An office in which a bot can press buttons too, as a program with the bot's token could."""

    async with open_office(database_url, tmp_path, scene=_with_more_people) as office:
        office.slack.change_person(BOT, bot=False)
        yield office


def _with_more_people(slack: Slack) -> None:
    furnish(slack)
    slack.add_person(LONER, guest="single")
    slack.join(LONER, CHANNEL)


class BarredClick(NamedTuple):
    """The clicker, the package, and the refusal that they see."""

    user: str
    reason: Reason
    sentence: str
    fields: Mapping[str, Any] = {}


NOT_THEIRS = [
    pytest.param(BarredClick(ROSE, Reason.IS_REQUESTER, "You asked for this"), id="the requester"),
    pytest.param(
        BarredClick(ROSE, Reason.IS_REQUESTER, "You asked for this", {"requested_by": "Rose@Example.org"}),
        id="the requester by address",
    ),
    pytest.param(BarredClick(SVEN, Reason.IS_ON_CHAIN, "on your behalf", {"on_behalf_of": [SVEN]}), id="on the chain"),
    pytest.param(
        BarredClick(SVEN, Reason.IS_ON_CHAIN, "on your behalf", {"on_behalf_of": ["sven@example.org"]}),
        id="on the chain by address",
    ),
    pytest.param(BarredClick(OWEN, Reason.IS_OWNER, "You own the agent"), id="the agent's owner"),
    pytest.param(BarredClick(NOBODY, Reason.WRONG_ROLE, "role to decide this"), id="someone without a role"),
    pytest.param(BarredClick(GUEST, Reason.A_GUEST, "Guests cannot decide"), id="a guest of several channels"),
    pytest.param(BarredClick(LONER, Reason.A_GUEST, "Guests cannot decide"), id="a guest of one channel"),
    pytest.param(BarredClick(STRANGER, Reason.A_STRANGER, "belongs to another one"), id="a stranger by Slack Connect"),
    pytest.param(BarredClick(BOT, Reason.A_BOT, "this account is a bot"), id="a bot"),
    pytest.param(BarredClick(GONE, Reason.DEACTIVATED, "deactivated"), id="someone deactivated with an old session"),
]


@pytest.mark.parametrize("package", [pytest.param(SOFT, id="in one tap"), pytest.param(HARD, id="with a form")])
@pytest.mark.parametrize("who", NOT_THEIRS)
async def test_a_person_who_may_not_approve_sees_a_private_refusal_that_is_recorded(
    office: Office, package: Mapping[str, Any], who: BarredClick
) -> None:
    proposal, card = await office.submit_with_card({**package, **who.fields})
    before = await office.standing(proposal)
    outcome = await office.click(who.user, card, "approve")
    assert (outcome.status, outcome.error) == (200, None)
    assert who.sentence in await office.refused(who.user)
    assert office.slack.modal(who.user) is None
    assert await office.standing(proposal) == before
    assert await office.refusals(proposal) == [(who.user, who.reason)]


async def test_a_person_unknown_to_the_directory_is_refused_with_that_reason_and_leaves_no_trace(
    office: Office,
) -> None:
    proposal, card = await office.submit_with_card()
    revision = (await office.state(proposal)).revision
    office.slack.add_person("UNEW")
    office.slack.join("UNEW", CHANNEL)
    await office.click("UNEW", card, "approve")
    assert "directory of people does not list" in await office.refused("UNEW")
    assert ((await office.state(proposal)).revision, await office.refusals(proposal)) == (revision, [])


@pytest.mark.parametrize("verb", ["details", "approve", "reject", "revise", "escalate", "object"])
async def test_a_stranger_gets_nothing_from_any_button(office: Office, verb: str) -> None:
    proposal, card = await office.submit_with_card(SOFT)
    before = await office.standing(proposal)
    await office.click(STRANGER, card, verb)
    assert "belongs to another one" in await office.refused(STRANGER)
    assert office.slack.modal(STRANGER) is None
    assert await office.standing(proposal) == before


@pytest.mark.parametrize(
    "verb", [Verb.REQUEST_MORE_EVIDENCE, Verb.DEFER, Verb.OVERRIDE, Verb.TAKE_OVER, Verb.RECUSE], ids=str
)
async def test_a_guest_gets_nothing_from_the_menu(office: Office, verb: Verb) -> None:
    proposal, card = await office.submit_with_card()
    before = await office.standing(proposal)
    await office.more(GUEST, card, verb)
    assert "Guests cannot decide" in await office.refused(GUEST)
    assert office.slack.modal(GUEST) is None
    assert await office.standing(proposal) == before
    assert await office.refusals(proposal) == [(GUEST, Reason.A_GUEST)]


@pytest.mark.parametrize(
    ("user", "as_what"),
    [pytest.param(ROSE, "requester", id="the requester"), pytest.param(OWEN, "owner", id="the owner")],
)
async def test_the_requester_and_the_agents_owner_may_stop_a_package(office: Office, user: str, as_what: str) -> None:
    proposal, card = await office.submit_with_card()
    await office.click(user, card, "reject")
    await office.slack.submit(user, {"comment": "Not any more."})
    read = await office.read(proposal)
    assert (read.body["status"], read.body["decision"]["comment"]) == ("rejected", "Not any more.")
    assert [(reviewer["reviewer_id"], reviewer["role"]) for reviewer in read.body["decision"]["reviewers"]] == [
        (user, as_what)
    ]


async def test_the_requester_may_object_with_one_tap(office: Office) -> None:
    proposal, card = await office.submit_with_card(SOFT)
    await office.click(ROSE, card, "object")
    assert (await office.state(proposal)).level == "hard_approval"


async def test_a_person_on_the_chain_without_a_role_may_not_stop_a_package(office: Office) -> None:
    proposal, card = await office.submit_with_card({**HARD, "on_behalf_of": [NOBODY]})
    await office.click(NOBODY, card, "reject")
    assert "role to decide this" in await office.refused(NOBODY)
    assert await office.refusals(proposal) == [(NOBODY, Reason.WRONG_ROLE)]


async def test_the_editor_of_a_version_may_not_approve_it(office: Office) -> None:
    proposal, card = await office.submit_with_card()
    await office.edit(SENTA, card, '{"record": "43"}')
    assert (await office.state(proposal)).version == 2
    card = await office.card(proposal)
    await office.click(SENTA, card, "approve")
    assert "someone else must approve it" in await office.refused(SENTA)
    assert await office.refusals(proposal) == [(SENTA, Reason.IS_EDITOR)]
    await office.approve(SVEN, card)
    read = await office.read(proposal)
    assert (read.body["may_proceed"], read.body["decision"]["action_parameters"]) == (True, {"record": "43"})


async def test_a_refusal_in_details_is_shown_in_a_separate_view(office: Office) -> None:
    """Details have no card beside which a refusal could be shown."""
    proposal, card = await office.submit_with_card()
    view = await press_unoffered(office, RITA, card, Verb.CLAIM_TASK)
    assert (view.title, "role to decide this" in view.shown) == ("Not possible", True)
    assert await office.refusals(proposal) == [(RITA, Reason.WRONG_ROLE)]
    assert (await office.state(proposal)).task.assigned_to is None


OUT_OF_SCOPE = POLICY.replace(f'groups = ["{GROUP}"]', f'groups = ["{GROUP}"]\nscopes = ["payment.*"]')
BELOW = POLICY.replace('max_risk = "high"', 'max_risk = "medium"')


@pytest.mark.parametrize(
    ("policy", "reason", "sentence"),
    [
        pytest.param(OUT_OF_SCOPE, Reason.OUT_OF_SCOPE, "your role does not cover record.read", id="out of scope"),
        pytest.param(BELOW, Reason.ABOVE_AUTHORITY, "your authority ends at medium. Escalate it", id="below the risk"),
    ],
)
async def test_a_role_covers_only_its_scope_and_risk(
    database_url: str, tmp_path: Path, policy: str, reason: Reason, sentence: str
) -> None:
    async with open_office(database_url, tmp_path, policy) as office:
        proposal, card = await office.submit_with_card()
        before = await office.standing(proposal)
        await office.click(SENTA, card, "approve")
        assert sentence in await office.refused(SENTA)
        assert await office.standing(proposal) == before
        assert await office.refusals(proposal) == [(SENTA, reason)]


async def test_a_reviewer_below_the_risk_level_may_escalate(database_url: str, tmp_path: Path) -> None:
    async with open_office(database_url, tmp_path, BELOW) as office:
        proposal, card = await office.submit_with_card()
        await office.click(SENTA, card, "escalate")
        await office.slack.submit(SENTA, {"comment": "Above me."})
        assert (await office.state(proposal)).task.required_role == "supervisor"


WITH_GUEST = POLICY.replace('"URITA", "UROSS"', f'"URITA", "{GUEST}"')
NAMED = WITH_GUEST.replace("[directory]", f'[directory]\nguests = ["{GUEST}"]')


@pytest.mark.parametrize(
    ("policy", "status"),
    [
        pytest.param(WITH_GUEST, Status.PENDING, id="a role alone is not enough"),
        pytest.param(NAMED, Status.APPROVED, id="named among the directory's guests"),
    ],
)
async def test_a_guest_decides_only_if_the_policy_lists_them(
    database_url: str, tmp_path: Path, policy: str, status: Status
) -> None:
    async with open_office(database_url, tmp_path, policy) as office:
        proposal, card = await office.submit_with_card(SOFT)
        await office.click(GUEST, card, "approve")
        assert await office.status(proposal) is status


async def test_a_guest_listed_in_the_policy_still_needs_a_role(database_url: str, tmp_path: Path) -> None:
    policy = POLICY.replace("[directory]", f'[directory]\nguests = ["{GUEST}"]')
    async with open_office(database_url, tmp_path, policy) as office:
        proposal, card = await office.submit_with_card(SOFT)
        await office.click(GUEST, card, "approve")
        assert "role to decide this" in await office.refused(GUEST)
        assert await office.refusals(proposal) == [(GUEST, Reason.WRONG_ROLE)]
