"""Unknown parties of a package are looked up in Slack once, before the package is accepted."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from playground.slack import Slack
from rules.reasons import Reason
from tests.bot.slack.office import HARD, POLICY, ROSS, SENTA, SOFT, Office, furnish, open_office
from tests.rules.world import DAY

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

LOOKUP = "users.lookupByEmail"
OUTSIDE = POLICY.replace('max_age = "1000d"', 'max_age = "1000d"\noutsiders = ["partner.example"]')


def _with_an_alias(slack: Slack) -> None:
    furnish(slack)
    slack.change_person(SENTA, aliases=("senta.secret@mail.example",))


@pytest.fixture
async def office(database_url: str, tmp_path: Path) -> AsyncIterator[Office]:
    async with open_office(database_url, tmp_path, OUTSIDE, scene=_with_an_alias) as office:
        yield office


def asked_by(who: str) -> dict[str, object]:
    return {**HARD, "requested_by": who}


async def test_a_requester_named_by_an_alias_cannot_approve_their_own_request(office: Office) -> None:
    proposal, card = await office.submit_with_card(asked_by("Senta.Secret@mail.example"))
    await office.click(SENTA, card, "approve")
    assert await office.refusals(proposal) == [(SENTA, Reason.IS_REQUESTER)]


@pytest.mark.parametrize("who", ["senta+x@example.org", "nobody@example.org", "eve@elsewhere.example", "UNOBODYATALL"])
async def test_a_requester_whom_nobody_knows_is_refused(office: Office, who: str) -> None:
    refused = await office.submit(asked_by(who))
    assert (refused.problem, refused.wrong) == ((422, "requester-unknown"), ["requested_by"])


async def test_slack_is_asked_only_once_about_an_address(office: Office) -> None:
    for who in ("senta.secret@mail.example", "eve@elsewhere.example"):
        for _ in range(3):
            await office.submit(asked_by(who))
    assert len(office.slack.calls_to(LOOKUP)) == 2


async def test_an_unknown_address_is_looked_up_again_after_a_while(office: Office) -> None:
    await office.submit(asked_by("eve@elsewhere.example"))
    office.clock.passes(timedelta(minutes=15))
    await office.submit(asked_by("eve@elsewhere.example"))
    assert len(office.slack.calls_to(LOOKUP)) == 2


async def test_slack_is_not_asked_about_people_of_the_directory(office: Office) -> None:
    assert (await office.submit({**SOFT, "requested_by": "rose@example.org", "on_behalf_of": [ROSS]})).status == 202
    assert office.slack.calls_to(LOOKUP) == []


async def test_if_slack_cannot_be_asked_the_agent_has_to_retry(office: Office) -> None:
    office.slack.faults.rate_limited(LOOKUP, seconds=7)
    refused = await office.submit(asked_by("senta.secret@mail.example"))
    assert (refused.problem, refused.headers["Retry-After"]) == ((503, "directory-stale"), "7")


async def test_no_more_addresses_are_looked_up_than_slack_allows(office: Office) -> None:
    answers = [await office.submit(asked_by(f"eve{number}@elsewhere.example")) for number in range(21)]
    assert [proposal.status for proposal in answers] == [422] * 20 + [503]
    assert len(office.slack.calls_to(LOOKUP)) == 20


async def test_an_outsider_is_named_on_the_card_and_silence_does_not_count(office: Office) -> None:
    proposal, card = await office.submit_with_card({**SOFT, "requested_by": "eve@partner.example"})
    assert (proposal.body["level"], proposal.body["why"][0]["rule"]) == ("hard_approval", "outsider")
    assert "independence cannot be checked" in card.shown


async def test_a_chain_that_excludes_all_but_one_reviewer_is_named_on_the_card(office: Office) -> None:
    others = ["USVEN", "USUSI", "USAUL"]
    proposal, card = await office.submit_with_card({**HARD, "on_behalf_of": others})
    assert "chain-bars-reviewers" not in [why["rule"] for why in proposal.body["why"]]
    proposal, card = await office.submit_with_card({**HARD, "on_behalf_of": [*others, "USILA"]})
    assert "chain-bars-reviewers" in [why["rule"] for why in proposal.body["why"]]
    assert "in on_behalf_of, so they cannot approve this." in card.shown


async def test_a_stale_directory_names_nobody(database_url: str, tmp_path: Path) -> None:
    async with open_office(database_url, tmp_path, POLICY.replace("1000d", "1d"), scene=furnish) as office:
        office.slack.faults.error("users.list", "fatal_error", times=None)
        office.clock.passes(2 * DAY)
        refused = await office.submit(SOFT)
        assert refused.problem == (503, "directory-stale")
        assert "Retry-After" in refused.headers
