"""Questions with answers to choose from, or with a form: from the click to the document that the agent reads."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from playground.client.delivery import Ack, AppRequest
from playground.model.messages import Message
from rules.reasons import Reason
from rules.state.commands import Verb
from rules.state.model import Status
from tests.bot.service import Response
from tests.bot.slack.forms import before, renderings, shown_json, submit_forged
from tests.bot.slack.office import HARD, NOBODY, POLICY, SENTA, Office, open_office

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

QUESTION = {name: value for name, value in HARD.items() if name != "action_parameters"} | {
    "kind": "question",
    "title": "Which address is right for entity ABC?",
    "proposed_action": "The register has two addresses.",
}
OFFERED = QUESTION | {"answers": ["4 Quay Street", "40 Quay Street"]}
CLOSED = OFFERED | {"free_answer": False}
MANY = QUESTION | {"answers": [f"{number} Quay Street" for number in range(5)]}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "town": {"title": "Town", "enum": ["Leeds", "York"]},
        "units": {"title": "How many", "type": "integer", "minimum": 1},
        "since": {"title": "Since", "type": "string", "format": "date"},
        "note": {"title": "Note", "type": "string"},
    },
    "required": ["town", "units"],
}
FORM = QUESTION | {"response_schema": SCHEMA}
FILLED = {"answer_data.0": "York", "answer_data.1": "4", "answer_data.2": "2026-12-01"}


async def decision(office: Office, proposal: Response) -> dict[str, Any]:
    read = (await office.read(proposal)).body
    assert (read["status"], read["may_proceed"]) == ("approved", False)
    decided: dict[str, Any] = read["decision"]
    return decided


async def test_a_press_on_an_answer_answers_the_question(office: Office) -> None:
    proposal, card = await office.submit_with_card(OFFERED)
    await office.click(SENTA, card, "answer_2")
    decided = await decision(office, proposal)
    assert (decided["decision"], decided["answer"], decided["answer_data"]) == ("answer", "40 Quay Street", None)
    assert decided["rendering_id"] in str(card.blocks)
    assert "40 Quay Street" in (await office.card(proposal)).shown


async def test_another_answer_is_written_in_the_form(office: Office) -> None:
    proposal, card = await office.submit_with_card(OFFERED)
    await office.give(SENTA, card, Verb.ANSWER, {"answer_choice": "other", "answer": "14 Quay Street"})
    assert (await decision(office, proposal))["answer"] == "14 Quay Street"


async def test_an_answer_that_is_no_button_is_chosen_in_the_form(office: Office) -> None:
    proposal, card = await office.submit_with_card(MANY)
    await office.give(SENTA, card, Verb.ANSWER, {"answer_choice": "3 Quay Street"})
    assert (await decision(office, proposal))["answer"] == "3 Quay Street"


@pytest.mark.parametrize(
    ("typed", "field", "sentence"),
    [
        ({"answer_choice": "other"}, "answer", "Fill this in"),
        ({"answer_choice": "other", "answer": "  "}, "answer", "Fill this in"),
        ({"answer_choice": "0", "answer": "14 Quay Street"}, "answer_choice", "You wrote another answer below."),
    ],
)
async def test_a_form_with_no_answer_or_two_says_so_beside_its_field(
    office: Office, typed: dict[str, Any], field: str, sentence: str
) -> None:
    proposal, card = await office.submit_with_card(OFFERED)
    await office.click(SENTA, card, "answer")
    refused = await office.slack.submit(SENTA, typed)
    assert list(refused.errors) == [field]
    assert sentence in refused.errors[field]
    assert await office.status(proposal) is Status.PENDING


async def press_forged(office: Office, card: Message, action_id: str, user: str = SENTA, **changes: Any) -> Ack:
    """A signed click on a button that the card does not have."""
    (ref,) = (element.data["value"] for element in card.elements if element.action_id == "details")
    client = office.slack.client
    action = {"action_id": action_id, "block_id": "b", "type": "button", "value": ref, "action_ts": "1.0"} | changes
    payload = client.payloads.on_message(client.person(user), card, action, {})
    return await client.delivery.send(AppRequest("interactive", payload))


@pytest.mark.parametrize(
    ("package", "action_id"),
    [
        pytest.param(OFFERED, "answer_3", id="an answer too many"),
        pytest.param(MANY, "answer_1", id="an answer that is no button"),
        pytest.param(FORM, "answer_1", id="a question with a form"),
        pytest.param(OFFERED | {"rationale": "line\n" * 40}, "answer_1", id="a question that the card cuts"),
    ],
)
async def test_a_press_on_a_button_that_the_card_does_not_have_opens_the_form(
    office: Office, package: Mapping[str, Any], action_id: str
) -> None:
    proposal, card = await office.submit_with_card(package)
    assert (await press_forged(office, card, action_id)).status == 200
    assert before(office).title == "Answer"
    assert await office.status(proposal) is Status.PENDING


async def test_an_answer_button_does_not_answer_what_is_no_question(office: Office) -> None:
    proposal, card = await office.submit_with_card(HARD)
    await press_forged(office, card, "answer_1")
    assert "This is not a question" in await office.refused(SENTA)
    assert await office.refusals(proposal) == [(SENTA, Reason.NOT_A_QUESTION)]


async def test_an_answer_button_is_refused_to_who_may_not_decide(office: Office) -> None:
    proposal, card = await office.submit_with_card(OFFERED)
    await office.click(NOBODY, card, "answer_1")
    assert await office.refusals(proposal) == [(NOBODY, Reason.WRONG_ROLE)]


async def test_a_button_of_version_1_does_not_answer_version_2(office: Office) -> None:
    proposal, card = await office.submit_with_card(OFFERED)
    await office.version(proposal, OFFERED | {"answers": ["4 Quay Street", "somewhere else"]})
    await office.click(SENTA, card, "answer_2", old_copy=True)
    assert "Version 1 is out of date" in await office.refused(SENTA)
    assert await office.status(proposal) is Status.PENDING


async def test_a_closed_list_takes_no_answer_from_outside_it(office: Office) -> None:
    proposal, card = await office.submit_with_card(CLOSED)
    await office.click(SENTA, card, "details")
    await press_forged(office, card, "answer")
    values = {
        "answer_choice": {"answer_choice": {"type": "radio_buttons", "selected_option": {"value": "other"}}},
        "answer": {"answer": {"type": "plain_text_input", "value": "elsewhere"}},
    }
    answer = await submit_forged(office, state={"values": values})
    assert list(answer.body["errors"]) == ["answer_choice"]
    assert await office.status(proposal) is Status.PENDING


async def test_a_filled_in_form_comes_back_as_data_of_the_types_of_the_schema(office: Office) -> None:
    proposal, card = await office.submit_with_card(FORM)
    assert "Answer" in card.labels
    await office.give(SENTA, card, Verb.ANSWER, FILLED)
    decided = await decision(office, proposal)
    assert decided["answer_data"] == {"town": "York", "units": 4, "since": "2026-12-01"}
    assert type(decided["answer_data"]["units"]) is int
    assert decided["answer"] == 'town: "York"\nunits: 4\nsince: "2026-12-01"'
    assert 'town: "York"' in (await office.card(proposal)).shown


@pytest.mark.parametrize(
    ("package", "filled", "shown"),
    [
        pytest.param(FORM, FILLED, "How many", id="a form"),
        pytest.param(MANY, {"answer_choice": "3 Quay Street"}, "4 Quay Street", id="a choice"),
    ],
)
async def test_the_form_of_an_answer_is_recorded_with_the_decision(
    office: Office, package: dict[str, Any], filled: dict[str, Any], shown: str
) -> None:
    proposal, card = await office.submit_with_card(package)
    await office.give(SENTA, card, Verb.ANSWER, filled)
    decided = (await office.state(proposal)).decision
    assert decided is not None
    (form,) = await renderings(office, *decided.rendering_ids)
    assert shown in form


async def test_an_answer_in_words_rests_on_the_card_that_shows_the_question(office: Office) -> None:
    proposal, card = await office.submit_with_card(QUESTION)
    await office.give(SENTA, card, Verb.ANSWER, {"answer": "4 Quay Street"})
    decided = (await office.state(proposal)).decision
    assert decided is not None
    assert decided.rendering_ids == ()


def text(value: Any, kind: str = "plain_text_input") -> dict[str, Any]:
    return {"answer_data": {"type": kind, "value": value}}


def choice(value: Any) -> dict[str, Any]:
    return {"answer_data": {"type": "radio_buttons", "selected_option": {"value": value}}}


GOOD = {
    "answer_data.0": choice("1"),
    "answer_data.1": text("4", "number_input"),
    "answer_data.2": {"answer_data": {"type": "datepicker", "selected_date": None}},
    "answer_data.3": text(None),
}


@pytest.mark.parametrize(
    ("values", "field"),
    [
        pytest.param({}, "answer_data.0", id="nothing"),
        pytest.param(GOOD | {"answer_data.0": choice("2")}, "answer_data.0", id="a choice that is not offered"),
        pytest.param(GOOD | {"answer_data.0": text("York")}, "answer_data.0", id="a text for a choice"),
        pytest.param(GOOD | {"answer_data.1": text("0", "number_input")}, "answer_data.1", id="a number too small"),
        pytest.param(GOOD | {"answer_data.1": choice("1")}, "answer_data.1", id="a choice for a number"),
        pytest.param(GOOD | {"answer_data.1": text("4e999", "number_input")}, "answer_data.1", id="no number"),
        pytest.param(GOOD | {"answer_data.3": text("one\x0btwo")}, "answer_data.3", id="a control character"),
        pytest.param(GOOD | {"answer_data.2": text("soon")}, "answer_data.2", id="a text for a date"),
        pytest.param(
            {name: value for name, value in GOOD.items() if name != "answer_data.3"}, "answer_data.3", id="one missing"
        ),
        pytest.param({f"{name}x": value for name, value in GOOD.items()}, "answer_data.0", id="renamed blocks"),
        pytest.param(
            GOOD | {"answer_data.1": {"other": {"type": "number_input", "value": "4"}}}, "answer_data.1", id="renamed"
        ),
    ],
)
async def test_a_form_that_comes_back_as_ours_never_would_changes_nothing(
    office: Office, values: dict[str, Any], field: str
) -> None:
    proposal, card = await office.submit_with_card(FORM)
    await office.click(SENTA, card, "answer")
    answer = await submit_forged(office, state={"values": values})
    assert answer.status == 200
    assert field in answer.body["errors"]
    assert await office.status(proposal) is Status.PENDING


async def test_words_in_place_of_a_form_are_not_taken(office: Office) -> None:
    proposal, card = await office.submit_with_card(FORM)
    await office.click(SENTA, card, "answer")
    words = {"answer": {"answer": {"type": "plain_text_input", "value": "York"}}}
    await submit_forged(office, state={"values": GOOD | words})
    assert await office.refusals(proposal) == [(SENTA, Reason.ANSWER_NOT_VALID)]
    assert await office.status(proposal) is Status.PENDING


async def test_a_form_of_version_1_does_not_answer_version_2(office: Office) -> None:
    proposal, card = await office.submit_with_card(FORM)
    await office.click(SENTA, card, "answer")
    await office.version(proposal, FORM | {"response_schema": SCHEMA | {"required": ["town", "units", "note"]}})
    await office.slack.submit(SENTA, FILLED)
    assert "Version 1 is out of date" in shown_json(office)
    assert await office.status(proposal) is Status.PENDING


async def test_a_schema_outside_the_subset_is_refused_with_its_field(office: Office) -> None:
    refused = await office.submit(FORM | {"response_schema": SCHEMA | {"properties": {"a": {"type": "array"}}}})
    assert refused.status == 422
    assert [error["field"] for error in refused.body["errors"]] == ["response_schema.properties.a.type"]


async def test_the_catalogue_gives_the_labels_of_an_edit(database_url: str, tmp_path: Path) -> None:
    schema = (
        'parameters_schema = { type = "object", properties = { record = { type = "string", title = "The record" } } }'
    )
    listed = f'{POLICY}\n[actions."{HARD["action_type"]}.labelled"]\nreversibility = "irreversible_high"\n{schema}\n'
    async with open_office(database_url, tmp_path, listed) as office:
        _, card = await office.submit_with_card(HARD | {"action_type": f"{HARD['action_type']}.labelled"})
        view = await office.details(SENTA, card, Verb.APPROVE_WITH_EDITS)
        assert "The record" in [block["label"]["text"] for block in view.blocks if block["type"] == "input"]
