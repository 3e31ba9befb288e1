"""Submissions that our forms would never send: they are signed, so they are read, but they change nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rules.state.commands import Verb
from rules.state.model import Status
from tests.bot.slack.forms import OTHER, before, open_form, submit_forged
from tests.bot.slack.office import SENTA, SVEN, Office

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

NOT_CONFIRMED: dict[str, Any] = {"comment": {"comment": {"type": "plain_text_input", "value": "Checked."}}}


def tick(*values: str) -> dict[str, Any]:
    box = {"type": "checkboxes", "selected_options": [{"value": value} for value in values]}
    return NOT_CONFIRMED | {"confirmed": {"confirmed": box}}


@pytest.mark.parametrize(
    "values",
    [
        pytest.param(NOT_CONFIRMED, id="without the box"),
        pytest.param(tick(), id="with the box not ticked"),
        pytest.param(tick("sha256:" + 64 * "0"), id="with the box of another action"),
        pytest.param(tick("yes"), id="with any box"),
    ],
)
async def test_a_grave_approval_that_confirms_nothing_is_refused(office: Office, values: dict[str, Any]) -> None:
    proposal = await open_form(office)
    answer = await submit_forged(office, state={"values": values})
    assert (answer.status, list(answer.body["errors"])) == (200, ["confirmed"])
    assert await office.status(proposal) is Status.PENDING
    assert await office.events(proposal, "human.decision_recorded") == []


@pytest.mark.parametrize(
    "metadata",
    [
        pytest.param("", id="nothing"),
        pytest.param("approve", id="a verb without a package"),
        pytest.param("consent {ref}", id="a verb of the clock"),
        pytest.param("assign {ref}", id="a verb of admins"),
        pytest.param("submit {ref}", id="a verb of agents"),
        pytest.param("waive {ref}", id="no verb"),
        pytest.param("approve {ref} ", id="too long"),
        pytest.param("approve pkg_nowhere 1 0 -", id="no package"),
        pytest.param("approve pkg_x' OR 1=1 1 0 -", id="no id"),
        pytest.param('{{"verb": "approve"}}', id="JSON"),
        pytest.param(3_000 * "x", id="very much"),
    ],
)
async def test_a_form_for_an_unknown_package_changes_nothing_and_says_so(office: Office, metadata: str) -> None:
    proposal = await open_form(office)
    digest = (await office.state(proposal)).action_digest
    ref = before(office).private_metadata.removeprefix("approve ")
    answer = await submit_forged(office, private_metadata=metadata.format(ref=ref), state={"values": tick(digest)})
    assert (answer.status, answer.body["response_action"]) == (200, "update")
    assert "no longer in use" in json.dumps(answer.body)
    assert await office.status(proposal) is Status.PENDING


@pytest.mark.parametrize("callback_id", ["details", "home", "approve", "", "decision "])
async def test_a_form_with_an_unknown_callback_id_decides_nothing(office: Office, callback_id: str) -> None:
    proposal = await open_form(office)
    digest = (await office.state(proposal)).action_digest
    answer = await submit_forged(office, callback_id=callback_id, state={"values": tick(digest)})
    assert (answer.status, answer.body["response_action"]) == (200, "update")
    assert await office.status(proposal) is Status.PENDING


async def test_a_confirmation_for_one_package_does_not_approve_another(office: Office) -> None:
    proposal = await open_form(office)
    other, _ = await office.submit_with_card(OTHER)
    digest = (await office.state(proposal)).action_digest
    metadata = before(office).private_metadata.replace(proposal.id, other.id)
    answer = await submit_forged(office, private_metadata=metadata, state={"values": tick(digest)})
    assert (answer.status, list(answer.body["errors"])) == (200, ["confirmed"])
    assert [await office.status(submitted) for submitted in (proposal, other)] == [Status.PENDING, Status.PENDING]


@pytest.mark.parametrize(
    "values",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"until": {"until": {"type": "datetimepicker", "selected_date_time": None}}}, id="no time"),
        pytest.param({"until": {"until": {"type": "datetimepicker"}}}, id="a field that the form does not have"),
        pytest.param(
            {"delegate": {"delegate": {"type": "users_select", "selected_user": SVEN}}}, id="a delegate alone"
        ),
    ],
)
async def test_an_absence_needs_an_end(office: Office, values: dict[str, Any]) -> None:
    await office.slack.open_home(SENTA)
    await office.slack.until(lambda: office.slack.home(SENTA))
    await office.slack.click_home(SENTA, "home_away")
    answer = await submit_forged(office, state={"values": values})
    assert (answer.status, list(answer.body["errors"])) == (200, ["until"])


@pytest.mark.parametrize(
    "until",
    [
        pytest.param({"type": "plain_text_input", "value": "soon"}, id="a text"),
        pytest.param({"type": "checkboxes", "selected_options": [{"value": "1"}]}, id="ticked boxes"),
    ],
)
async def test_a_field_returned_as_another_type_of_input_is_not_read(office: Office, until: dict[str, Any]) -> None:
    proposal, card = await office.submit_with_card()
    await office.more(SENTA, card, Verb.DEFER)
    answer = await submit_forged(office, state={"values": {**NOT_CONFIRMED, "until": {"until": until}}})
    assert (answer.status, answer.body) == (400, "This cannot be read.")
    assert await office.status(proposal) is Status.PENDING
