"""`/reviews`: each word, who may use it, and its answer to the caller."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from blocks.home.reviews import ADMIN_SUBCOMMAND_HELP, SUBCOMMAND_HELP
from playground.client.delivery import AppRequest
from playground.model.messages import Message
from playground.slack import NotPossibleError
from rules.state.commands import Verb
from rules.state.model import Status
from tests.bot.slack.office import (
    ADAM,
    CHANNEL,
    GUEST,
    HARD,
    NOBODY,
    POLICY,
    RITA,
    SENTA,
    SOFT,
    STRANGER,
    SUSI,
    SVEN,
    Office,
    open_office,
)

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

DAY = timedelta(days=1)


async def absence(office: Office, user: str) -> tuple[datetime | None, str | None]:
    roster = await office.world.read(office.store.installation.roster)
    person = roster.person(user)
    assert person is not None
    away = person.is_away(office.clock())
    return (person.away_until, person.delegate) if away else (None, None)


# The words.


@pytest.mark.parametrize("text", ["help", "HELP", "frobnicate", "quue", "*bold*", "<!channel>"])
async def test_help_and_an_unknown_word_list_the_callers_words(office: Office, text: str) -> None:
    plain, admins = await office.reviews(RITA, text), await office.reviews(ADAM, text)
    assert [word for word in SUBCOMMAND_HELP if f"/reviews {word}" not in plain.shown] == []
    assert [word for word in ADMIN_SUBCOMMAND_HELP if f"/reviews {word}" in plain.shown] == []
    assert [word for word in ADMIN_SUBCOMMAND_HELP if f"/reviews {word}" not in admins.shown] == []


async def test_an_unknown_word_is_named(office: Office) -> None:
    note = await office.reviews(RITA, "quue all")
    assert note.text.startswith("/reviews does not know quue.")


@pytest.mark.parametrize(
    ("user", "why"),
    [pytest.param(GUEST, "Guests cannot", id="a guest"), pytest.param("UNEWCOMER", "does not list", id="unknown")],
)
@pytest.mark.parametrize("text", ["", "queue", "stats", "help", "away 3d", "policy"])
async def test_the_queue_is_only_for_people_of_this_workspace(office: Office, user: str, why: str, text: str) -> None:
    await office.submit_with_card(SOFT)
    office.slack.add_person("UNEWCOMER", name="Newcomer")
    note = await office.reviews(user, text)
    assert why in note.shown
    assert "Read the record" not in note.shown


async def test_a_stranger_does_not_have_the_command(office: Office) -> None:
    with pytest.raises(NotPossibleError, match="another workspace"):
        await office.slack.command(STRANGER, "/reviews", "queue")


async def test_a_stranger_whose_command_still_arrives_learns_nothing(office: Office) -> None:
    """Signed by Slack, as from a channel that two workspaces share."""
    await office.submit_with_card(SOFT)
    client = office.slack.client
    payload = client.payloads.command(client.person(STRANGER), "/reviews", "queue", CHANNEL)
    answer = await client.delivery.send(AppRequest("slash_commands", payload))
    assert answer.status == 200
    assert "this account belongs to another one" in answer.body["text"]
    assert "Read the record" not in str(answer.body)


async def test_a_command_is_answered_in_a_channel_without_the_bot(office: Office) -> None:
    office.slack.add_channel("C0ELSEWHERE", members=[RITA], bot_in=False)
    await office.submit_with_card(SOFT)
    note = await office.reviews(RITA, "queue", channel="C0ELSEWHERE")
    assert (note.channel, "Read the record" in note.shown) == ("C0ELSEWHERE", True)


# Waiting packages.


@pytest.mark.parametrize("text", ["", "mine", " Mine ", "mine please"])
async def test_reviews_without_a_word_lists_my_own_queue(office: Office, text: str) -> None:
    await office.submit_with_card(SOFT | {"title": "For a reviewer"})
    await office.submit_with_card(HARD | {"title": "For a senior"})
    reviewers, seniors = await office.reviews(RITA, text), await office.reviews(SENTA, text)
    assert "For a reviewer" in reviewers.shown
    assert "For a senior" not in reviewers.shown
    assert seniors.shown.index("For a senior") < seniors.shown.index("For a reviewer")
    assert "You hold no role in the policy" in (await office.reviews(NOBODY, text)).shown


async def test_an_empty_queue_says_so(office: Office) -> None:
    assert "Nothing waits for you." in (await office.reviews(RITA)).shown
    assert "Nothing that you can see is waiting." in (await office.reviews(RITA, "queue")).shown
    assert "No items to review." in (await office.reviews(RITA, "sampled")).shown


async def test_the_queue_lists_everything_up_to_a_page_and_counts_the_rest(office: Office) -> None:
    for number in range(12):
        package = (HARD, SOFT)[number > 0] | {"title": f"Ask {number}", "action_parameters": {"record": number}}
        assert (await office.submit(package)).status == 202
    note = await office.reviews(ADAM, "queue")
    assert "Ask 0" in note.shown.split("\n")[:4]
    assert note.labels.count("Details") == 10
    assert "2 more." in note.shown
    assert note.text.endswith("; and 9 more.")


async def test_details_open_from_an_answer(office: Office) -> None:
    proposal, _ = await office.submit_with_card(SOFT)
    await office.click(RITA, await office.reviews(RITA), "details")
    modal = office.slack.modal(RITA)
    assert modal is not None
    assert "Read record 42." in modal.shown
    assert [seen.reviewer_id for seen in (await office.state(proposal)).details] == [RITA]


async def test_show_gives_the_card_with_buttons_that_work(office: Office) -> None:
    proposal, card = await office.submit_with_card(SOFT)
    shown = await office.reviews(RITA, f"show {proposal.id}")
    assert shown.shown == f"{card.shown}\nOpen the posted card"
    assert shown.labels == card.labels
    await office.click(RITA, shown, "approve")
    assert (await office.notes(RITA, count=2)).startswith("Done.")
    assert await office.status(proposal) is Status.APPROVED
    assert "Approve" not in (await office.card(proposal)).labels
    decided = await office.reviews(RITA, f"show {proposal.id}")
    assert "Rita (reviewer) approved this" in decided.shown


@pytest.mark.parametrize(
    ("text", "why"),
    [
        pytest.param("show", "Write it as: /reviews show ID.", id="without an id"),
        pytest.param("show pkg_nowhere", "There is no package pkg_nowhere that you can see.", id="an unknown id"),
        pytest.param("show 42", "There is no package 42 that you can see.", id="no id"),
        pytest.param("show pkg_' OR 1=1", "There is no package pkg_' that you can see.", id="SQL"),
    ],
)
async def test_show_of_an_unknown_id_says_so(office: Office, text: str, why: str) -> None:
    assert why in (await office.reviews(RITA, text)).shown


# Numbers.


@pytest.mark.parametrize("text", ["stats", "stats 7d", "stats 36h"])
async def test_stats_show_how_much_waits_and_how_packages_were_decided(office: Office, text: str) -> None:
    await office.submit_with_card(SOFT)
    proposal, card = await office.submit_with_card(HARD)
    office.clock.passes(timedelta(minutes=10))
    await office.approve(SENTA, card)
    note = await office.stats(RITA, text)
    assert "soft approval" in note.text + note.shown
    assert "approved 1 of 1" in note.shown
    assert "10 minutes" in note.shown
    assert await office.status(proposal) is Status.APPROVED


async def test_stats_show_charts_below_the_words(office: Office) -> None:
    await office.submit_with_card(SOFT)
    note = await office.stats(RITA)
    kinds = [block["type"] for block in note.blocks]
    assert (kinds[0], kinds[-1]) == ("header", "data_visualization")
    assert "Waiting now" in note.shown


async def test_where_slack_refuses_charts_the_words_come_without_them(office: Office) -> None:
    await office.submit_with_card(SOFT)
    office.slack.faults.unknown_blocks.add("data_visualization")
    note = await office.stats(RITA)
    assert "data_visualization" not in [block["type"] for block in note.blocks]
    assert "Waiting now" in note.shown
    assert [call.error for call in office.slack.calls_to("response_url")] == ["invalid_blocks"]


async def test_the_policy_and_the_audit_of_a_package_show_names_and_no_ids(office: Office) -> None:
    proposal, card = await office.submit_with_card()
    await office.give(SENTA, card, Verb.ESCALATE, {"to_person": SUSI})
    policy, audit = await office.reviews(ADAM, "policy"), await office.reviews(ADAM, f"audit {proposal.id}")
    assert {RITA, SUSI, ADAM} <= policy.mentioned  # Slack shows these by name
    assert "Senta\n · to \nSusi" in audit.shown
    assert re.findall(r"\b[UWSC][A-Z0-9]{3,}\b", policy.shown + audit.shown) == []


@pytest.mark.parametrize(
    "text",
    ["stats nonsense", "stats -7d", "stats 7", "stats 99999999d", "stats 99999999999d", "stats 0d", "stats 7d extra"],
)
async def test_stats_of_an_invalid_period_say_so(office: Office, text: str) -> None:
    written = text.removeprefix("stats ")
    sentence = f"“{written}” is not a period. Try 7d, 36h or 90m."
    assert sentence in (await office.reviews(RITA, text)).shown


async def test_stats_can_be_divided(office: Office) -> None:
    _, card = await office.submit_with_card(HARD)
    await office.approve(SENTA, card)
    for text in ("stats by agent", "stats 30d by TYPE", "stats 30d by role"):
        note = await office.reviews(ADAM, text)
        assert "1 ended, approved 1 of 1, rejected 0 of 1" in note.shown
    assert "By week (Monday to Sunday, UTC)." in (await office.reviews(RITA, "stats 30d by week")).shown


@pytest.mark.parametrize("by", ["agent", "type", "role"])
async def test_numbers_that_can_tell_who_decided_what_are_for_people_who_see_every_package(
    office: Office, by: str
) -> None:
    note = await office.reviews(RITA, f"stats by {by}")
    assert f"Only people who see every package can divide the numbers by {by}." in note.shown


async def test_stats_by_an_unknown_word_name_the_known_ones(office: Office) -> None:
    note = await office.reviews(RITA, "stats 7d by mood")
    assert "Try by agent, by type, by role, by tier, by week or by reviewer." in note.shown


async def test_a_sampled_package_can_be_judged_once(database_url: str, tmp_path: Path) -> None:
    async with open_office(database_url, tmp_path, POLICY + "\n[soft]\nsample = 1.0\n") as office:
        proposal, card = await office.submit_with_card(SOFT)
        await _overridden(office, card)
        assert await office.status(proposal) is Status.OVERRIDDEN
        listed = await office.reviews(SENTA, "sampled")
        assert "Read the record" in listed.shown
        await office.click(SENTA, listed, "judge")
        assert (await office.slack.submit(SENTA, {"verdict": "sound", "comment": "It was right."})).ok
        assert (await office.state(proposal)).verdict == "sound"
        assert "No items to review." in (await office.reviews(SENTA, "sampled")).shown
        await office.click(SENTA, listed, "judge")
        assert "This was already judged sound." in await office.refused(SENTA)


async def _overridden(office: Office, card: Message) -> None:
    await office.click(RITA, card, "more", option="Override")
    values = {"override_decision": "proceed", "override_reason": "The audit waits.", "evidence_refs": "ticket 7"}
    assert (await office.slack.submit(RITA, values)).errors == {}


# Away and back.


@pytest.mark.parametrize(
    ("text", "until", "delegate"),
    [
        pytest.param("away", None, None, id="for a day"),
        pytest.param(f"away 3d <@{SVEN}>", "3d", SVEN, id="for a duration, with a delegate"),
        pytest.param(f"away <@{SVEN}|sven> 3d", "3d", SVEN, id="delegate first"),
        pytest.param("away 2026-12-24", datetime(2026, 12, 24, tzinfo=UTC), None, id="until a date"),
        pytest.param("away 2026-12-24T17:00", datetime(2026, 12, 24, 17, tzinfo=UTC), None, id="until a time"),
        pytest.param("away 2026-12-24 17:00", datetime(2026, 12, 24, 17, tzinfo=UTC), None, id="in two words"),
        pytest.param("away 2026-12-24T17:00+02:00", datetime(2026, 12, 24, 15, tzinfo=UTC), None, id="in a zone"),
    ],
)
async def test_a_reviewer_goes_away_until_a_date_and_comes_back(
    office: Office, text: str, until: Any, delegate: str | None
) -> None:
    ends = {None: office.clock() + DAY, "3d": office.clock() + 3 * DAY}.get(until, until)
    note = await office.reviews(SENTA, text)
    assert "You are away until" in note.shown
    assert await absence(office, SENTA) == (ends, delegate)
    assert "You're marked as available." in (await office.reviews(SENTA, "back")).shown
    assert await absence(office, SENTA) == (None, None)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        pytest.param("away yesterday", "I don't understand “yesterday”.", id="a word"),
        pytest.param("away 2026-13-45", "I don't understand “2026-13-45”.", id="no date"),
        pytest.param("away 2020-01-01", "Choose a time later than now.", id="in the past"),
        pytest.param("away 99999999999d", "I don't understand", id="for ever"),
        pytest.param("away 9999-12-31", "at most a year", id="until a date that Slack cannot write"),
        pytest.param(f"away 3d <@{SENTA}>", "Choose someone else of this workspace", id="with oneself as the delegate"),
        pytest.param(f"away 3d <@{GUEST}>", "Choose someone else of this workspace", id="with a guest"),
        pytest.param("away 3d <@UNEMO>", "Choose someone else of this workspace", id="with nobody"),
        pytest.param(
            "away 3d @sven",
            "Pick your delegate from the list that Slack shows after an @",
            id="a name that Slack did not make a mention of",
        ),
    ],
)
async def test_an_invalid_absence_is_refused(office: Office, text: str, why: str) -> None:
    assert why in (await office.reviews(SENTA, text)).shown
    assert await absence(office, SENTA) == (None, None)


async def test_a_delegates_name_may_have_several_words(office: Office) -> None:
    office.slack.add_person("UROSSO", name="Ross Okafor", email="ross.okafor@example.org")
    await office.slack.event(office.slack.person_event("UROSSO", "team_join"))
    ends = office.clock() + 3 * DAY
    assert "You are away until" in (await office.reviews(SENTA, "away 3d <@UROSSO|ross> Okafor")).shown
    assert await absence(office, SENTA) == (ends, "UROSSO")
    assert "I don't understand “3d Okonkwo”." in (await office.reviews(SENTA, "away 3d <@UROSSO|ross> Okonkwo")).shown


async def test_back_is_harmless_for_a_reviewer_who_was_not_away(office: Office) -> None:
    assert "You're marked as available." in (await office.reviews(SENTA, "back")).shown


async def test_a_command_in_a_channel_is_answered_to_its_caller_only(office: Office) -> None:
    await office.submit_with_card(SOFT)
    before = office.slack.messages(CHANNEL)
    await office.reviews(RITA, "queue", channel=CHANNEL)
    assert office.slack.messages(CHANNEL) == before
    assert office.slack.private_notes(SENTA) == []


async def test_stats_refuse_a_period_before_the_calendar(office: Office) -> None:
    assert "not a period" in (await office.reviews(RITA, "stats 2000000d")).shown
