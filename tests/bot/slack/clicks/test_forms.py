"""Forms: changes while a form is open, repeated submissions, and invalid values."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from rules.state.commands import Verb
from rules.state.model import Status
from rules.state.service_commands import Expire
from store.commands.answers import COMMANDS
from tests.bot.service import Response
from tests.bot.slack.forms import APPROVED, OTHER, before, open_form, shown_json, submit_forged
from tests.bot.slack.office import CONFIRMED, GROUP, HARD, SENTA, SVEN, Office

HOUR = timedelta(hours=1)
RECORD = "action_parameters.0"  # the field of the only parameter

sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


async def commands(office: Office, proposal: Response) -> int:
    """The number of commands for this package that came from Slack."""
    query = select(func.count()).where(COMMANDS.c.package_id == proposal.id, COMMANDS.c.command_id.like("slack:%"))
    return int(await office.world.read(lambda connection: connection.execute(query).scalar_one()))


# Changes while the form is open.


@sqlite
@pytest.mark.parametrize(
    ("verb", "values", "status"),
    [
        pytest.param("approve", APPROVED, "approved", id="approved"),
        pytest.param("reject", {"comment": "Not now."}, "rejected", id="rejected"),
    ],
)
async def test_a_late_form_says_who_decided_and_changes_nothing(
    office: Office, verb: str, values: dict[str, Any], status: str
) -> None:
    proposal = await open_form(office)
    await office.click(SVEN, await office.card(proposal), verb)
    first = await office.slack.submit(SVEN, values)
    assert (first.ok, office.slack.modal(SVEN)) == (True, None)
    standing = await office.standing(proposal)
    late = await office.slack.submit(SENTA, APPROVED)
    assert late.ok
    assert f"already {status} by" in shown_json(office)
    assert SVEN in shown_json(office)
    assert await office.standing(proposal) == standing
    assert await office.refusals(proposal) == [(SENTA, "already-decided")]


@sqlite
async def test_a_reviewer_who_loses_the_role_while_the_form_is_open_decides_nothing(office: Office) -> None:
    proposal = await open_form(office)
    office.slack.change_group(GROUP, members=[SVEN])
    await office.slack.event(office.slack.group_event(GROUP))
    await office.slack.submit(SENTA, APPROVED)
    assert "role to decide this" in shown_json(office)
    assert await office.status(proposal) is Status.PENDING
    assert await office.refusals(proposal) == [(SENTA, "wrong-role")]


@sqlite
@pytest.mark.parametrize(
    "package", [pytest.param(HARD, id="of the same action"), pytest.param(OTHER, id="of another action")]
)
@pytest.mark.parametrize(
    ("verb", "values"),
    [
        pytest.param("approve", APPROVED, id="approve"),
        pytest.param("reject", {"comment": "Not now."}, id="reject"),
        pytest.param("revise", {"instructions": "Name it."}, id="revise"),
    ],
)
async def test_a_form_for_version_1_is_refused_once_there_is_version_2(
    office: Office, verb: str, values: dict[str, Any], package: dict[str, Any]
) -> None:
    proposal = await open_form(office, verb)
    assert (await office.version(proposal, package)).status == 202
    await office.slack.submit(SENTA, values)
    assert "Version 1 is out of date: the current version is 2" in shown_json(office)
    assert await office.status(proposal) is Status.PENDING
    assert await office.refusals(proposal) == [(SENTA, "stale-version")]


@sqlite
@pytest.mark.parametrize(
    "typed",
    [pytest.param("44", id="another edit"), pytest.param("43", id="text of version 2")],
)
async def test_an_edit_of_version_1_is_not_carried_over_to_version_2(office: Office, typed: str) -> None:
    proposal, card = await office.submit_with_card()
    await office.details(SENTA, card, Verb.APPROVE_WITH_EDITS)
    await office.version(proposal, OTHER)
    await office.slack.submit(SENTA, {RECORD: typed, "comment": "Corrected."})
    assert "Version 1 is out of date" in shown_json(office)
    assert (await office.state(proposal)).version == 2


@sqlite
async def test_an_approval_started_on_a_lower_rung_does_not_count_on_the_next(office: Office) -> None:
    proposal = await open_form(office)
    await office.click(SVEN, await office.card(proposal), "escalate")
    assert (await office.slack.submit(SVEN)).ok
    await office.slack.submit(SENTA, APPROVED)
    assert "This was escalated to a supervisor" in shown_json(office)
    assert await office.refusals(proposal) == [(SENTA, "stale-rung")]


@sqlite
async def test_a_form_for_an_expired_package_says_so(office: Office) -> None:
    ends = office.clock() + HOUR
    proposal = await open_form(office, package=HARD | {"expires_at": ends.isoformat()})
    office.clock.passes(2 * HOUR)
    await office.time(Expire, proposal)
    await office.slack.submit(SENTA, APPROVED)
    assert "already expired" in shown_json(office)
    assert await office.refusals(proposal) == [(SENTA, "already-decided")]


@sqlite
async def test_an_approval_after_the_deadline_is_refused_even_before_the_sweep(office: Office) -> None:
    ends = office.clock() + HOUR
    proposal = await open_form(office, package=HARD | {"expires_at": ends.isoformat()})
    office.clock.passes(2 * HOUR)
    await office.slack.submit(SENTA, APPROVED)
    assert "cannot be approved any more" in shown_json(office)
    assert await office.refusals(proposal) == [(SENTA, "already-expired")]


# Repeated submissions.


async def test_a_form_submitted_twice_at_once_is_one_command_and_one_vote(office: Office) -> None:
    proposal = await open_form(office)
    twice = (office.slack.submit(SENTA, APPROVED) for _ in range(2))
    first, second = await asyncio.gather(*twice)
    assert (first.status, second.status) == (200, 200)
    assert office.slack.modal(SENTA) is None
    assert len(await office.events(proposal, "human.decision_recorded")) == 1
    assert (await commands(office, proposal), await office.refusals(proposal)) == (1, [])


async def test_the_same_submission_delivered_again_is_one_command_and_gets_the_same_answer(office: Office) -> None:
    proposal = await open_form(office)
    first = await office.slack.submit(SENTA, APPROVED)
    again = await office.slack.redeliver(first)
    assert (again.status, again.body) == (200, first.body)
    assert len(await office.events(proposal, "human.decision_recorded")) == 1
    assert (await commands(office, proposal), await office.refusals(proposal)) == (1, [])


@sqlite
async def test_a_redelivered_rejection_is_not_refused_as_late(office: Office) -> None:
    await open_form(office, "reject")
    first = await office.slack.submit(SENTA, {"comment": "Not now."})
    again = await office.slack.redeliver(first)
    assert first.body == again.body == {"response_action": "clear"}


# Values that the user can correct.


@sqlite
@pytest.mark.parametrize(
    ("after", "told_why"),
    [
        pytest.param(-HOUR, "Choose a time later than now.", id="in the past"),
        pytest.param(timedelta(days=31), "too late. Choose a time up to 2026-12-20 12:00 UTC", id="too far"),
    ],
)
async def test_an_invalid_time_is_reported_beside_its_field_and_the_form_can_be_sent_again(
    office: Office, after: timedelta, told_why: str
) -> None:
    proposal, card = await office.submit_with_card()
    await office.more(SENTA, card, Verb.DEFER)
    until = int((office.clock() + after).timestamp())
    refused = await office.slack.submit(SENTA, {"until": until, "comment": "After the audit."})
    assert list(refused.errors) == ["until"]
    assert told_why in refused.errors["until"]
    assert before(office).values["comment"]["comment"]["value"] == "After the audit."
    later = int((office.clock() + 2 * HOUR).timestamp())
    mended = await office.slack.submit(SENTA, {"until": later})
    assert (mended.errors, office.slack.modal(SENTA)) == ({}, None)
    assert await office.status(proposal) is Status.DEFERRED
    assert (await office.read(proposal)).body["decision"]["comment"] == "After the audit."


@sqlite
@pytest.mark.parametrize(
    ("typed", "told_why"),
    [
        pytest.param("{record: 43}", "Line 1, character 2: a name in double quotes is missing.", id="no JSON"),
        pytest.param('{"record": ' + 2_900 * "[", "cannot be used: the nesting is too deep", id="very deep"),
        pytest.param('{"record": 1e999}', "cannot be used: /record: NaN and infinities", id="no number"),
        pytest.param('{"a": 1, "a": 2}', 'cannot be used: the name "a" appears twice', id="a name twice"),
        pytest.param('{"a": "1}', "Line 1, character 7: a text has no double quotes at its end.", id="no end"),
        pytest.param(
            '{"a": 1\n"b": 2}', "Line 2, character 1: a comma or a closing bracket is missing.", id="no comma"
        ),
        pytest.param("", "Write the value as JSON", id="nothing"),
    ],
)
async def test_a_nested_value_that_is_not_json_is_reported_beside_its_field(
    office: Office, typed: str, told_why: str
) -> None:
    proposal, card = await office.submit_with_card(HARD | {"action_parameters": {"order": {"record": "42"}}})
    await office.details(SENTA, card, Verb.APPROVE_WITH_EDITS)
    comment = {"comment": {"type": "plain_text_input", "value": "Corrected."}}
    written = {"action_parameters": {"type": "plain_text_input", "value": typed or None}}
    blocks = {"comment": comment, RECORD: written}
    refused = await submit_forged(office, state={"values": blocks})
    assert list(refused.body["errors"]) == [RECORD]
    assert told_why in refused.body["errors"][RECORD]
    assert (await office.state(proposal)).version == 1


@sqlite
async def test_an_edit_that_makes_no_valid_package_is_reported_before_its_changes_are_shown(office: Office) -> None:
    exception = {
        "policy_id": "p1", "requested_exception": "Skip the check.", "justification": "It is urgent.",
        "expires_at": "2027-01-01T00:00:00Z",
    }  # fmt: skip
    proposal, card = await office.submit_with_card(HARD | {"kind": "policy_exception", "action_parameters": exception})
    await office.details(SENTA, card, Verb.APPROVE_WITH_EDITS)
    refused = await office.slack.submit(SENTA, {"action_parameters.3": "soon", "comment": "Shorter."})
    assert "not valid: expires_at: must be an RFC 3339 time" in refused.errors[RECORD]
    assert (await office.state(proposal)).version == 1


@sqlite
async def test_an_edit_that_changes_nothing_is_reported_beside_its_field(office: Office) -> None:
    proposal, card = await office.submit_with_card()
    await office.details(SENTA, card, Verb.APPROVE_WITH_EDITS)
    refused = await office.slack.submit(SENTA, {RECORD: "42", "comment": "Corrected."})
    assert list(refused.errors) == [RECORD]
    assert "You changed nothing." in refused.errors[RECORD]
    assert (await office.state(proposal)).version == 1


@sqlite
async def test_an_edit_is_shown_before_it_counts_and_shown_again_when_it_is_changed_again(office: Office) -> None:
    proposal, card = await office.submit_with_card()
    await office.details(SENTA, card, Verb.APPROVE_WITH_EDITS)
    await office.slack.submit(SENTA, {RECORD: "43", "comment": "Corrected."})
    assert before(office).title == "Check your changes"
    assert "Your edit changes 1 value" in before(office).shown
    await office.slack.submit(SENTA, {RECORD: "44", "confirmed": [CONFIRMED]})
    assert (await office.state(proposal)).version == 1
    await office.slack.submit(SENTA, {"confirmed": [CONFIRMED]})
    assert (await office.state(proposal)).version == 2
    card = await office.card(proposal)
    assert '"44"' in card.shown


@sqlite
@pytest.mark.parametrize(
    ("verb", "values", "field"),
    [
        pytest.param("reject", {"comment": " \n\t "}, "comment", id="a rejection without a reason"),
        pytest.param("revise", {"instructions": "   "}, "instructions", id="a revision without instructions"),
        pytest.param("approve", APPROVED | {"comment": "  "}, "comment", id="a grave approval without a comment"),
    ],
)
async def test_blanks_do_not_count_as_a_comment(office: Office, verb: str, values: dict[str, Any], field: str) -> None:
    proposal = await open_form(office, verb)
    refused = await office.slack.submit(SENTA, values)
    assert list(refused.errors) == [field]
    assert await office.status(proposal) is Status.PENDING
    assert await office.events(proposal, "human.decision_recorded") == []


@sqlite
async def test_missing_evidence_of_an_override_is_reported_beside_the_field(office: Office) -> None:
    proposal, card = await office.submit_with_card()
    await office.more(SENTA, card, Verb.OVERRIDE)
    values = {"override_decision": "stop", "override_reason": "It is the wrong record.", "evidence_refs": "\n \n"}
    refused = await office.slack.submit(SENTA, values)
    assert list(refused.errors) == ["evidence_refs"]
    assert (await office.slack.submit(SENTA, {"evidence_refs": "ticket 7\n\nticket 8"})).ok
    override = (await office.read(proposal)).body["decision"]["override"]
    assert override["evidence_refs"] == ["ticket 7", "ticket 8"]
