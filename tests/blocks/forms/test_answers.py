"""A question shows its answers: as buttons if they are few and short, otherwise in the form."""

from __future__ import annotations

from typing import Any

import pytest

from blocks.card.buttons import answers_on_buttons
from blocks.card.card import card
from blocks.forms.fields import slots_of
from blocks.forms.forms import form
from blocks.forms.slots import InvalidFormError, read_slots
from blocks.kit.ids import Field
from playground.blockkit.validate import validate_message, validate_view
from playground.model.choices import state_of
from rules.state.commands import Answer, Verb
from tests.blocks.conftest import Golden
from tests.blocks.dossiers import KINDS, Story
from tests.blocks.reading import framed_text, inputs, markup, of_type
from tests.rules.world import ROSS

QUESTION = KINDS["question"]
ADDRESSES = ["4 Quay Street", "40 Quay Street"]
SCHEMA: dict[str, Any] = {
    "type": "object",
    "title": "The right ACME",
    "properties": {
        "town": {"title": "Town", "description": "As in the register.", "enum": ["Leeds", "York"]},
        "units": {"title": "How many units", "type": "integer", "minimum": 1, "maximum": 99},
        "area": {"title": "Area in square metres", "type": "number"},
        "listed": {"title": "Is it listed?", "type": "boolean"},
        "since": {"title": "Since when", "type": "string", "format": "date"},
        "note": {"title": "Anything else", "type": "string", "maxLength": 200},
    },
    "required": ["town", "units"],
}


def asking(**fields: Any) -> Story:
    return Story(QUESTION | fields)


def labels(story: Story) -> list[str]:
    drawn = card(story.dossier())
    return [button["text"]["text"] for button in of_type(list(drawn.blocks), "button")]


def test_few_short_answers_are_buttons(golden: Golden) -> None:
    story = asking(answers=ADDRESSES)
    drawn = card(story.dossier())
    golden("card_question_answers", {"text": drawn.text, "blocks": list(drawn.blocks)})
    assert validate_message({"text": drawn.text, "blocks": list(drawn.blocks)}) == ()
    assert labels(story)[:4] == [*ADDRESSES, "Another answer …", "Reject"]


def test_a_question_that_takes_no_other_answer_has_no_button_for_one() -> None:
    assert labels(asking(answers=ADDRESSES, free_answer=False))[:3] == [*ADDRESSES, "Reject"]


@pytest.mark.parametrize(
    "answers",
    [
        pytest.param([], id="none"),
        pytest.param(["1", "2", "3", "4", "5"], id="five"),
        pytest.param(["Yes", "x" * 25], id="a long one"),
        pytest.param(["Approve", "No"], id="a label of the service"),
        pytest.param(["APPROVE!", "No"], id="a label in other letters"),
        pytest.param(["\uff24\uff45\uff54\uff41\uff49\uff4c\uff53", "No"], id="a label in wide letters"),
        pytest.param(["Request evidence", "No"], id="a label of the menu"),
        pytest.param(["Another answer", "No"], id="the label for another answer"),
        pytest.param(["\u0410pprove", "No"], id="mixed alphabets"),
        pytest.param(["Yes", "Yes!"], id="two alike"),
        pytest.param(["👍", "👎"], id="signs alone"),
    ],
)
def test_other_answers_are_no_buttons(answers: list[str]) -> None:
    story = asking(answers=answers)
    assert answers_on_buttons(story.dossier()) == ()
    assert labels(story)[0] == "Answer"


def test_a_question_that_the_card_does_not_show_whole_has_no_buttons_for_its_answers() -> None:
    story = asking(answers=ADDRESSES, rationale="line\n" * 30)
    assert labels(story)[0] == "Answer"


def test_an_offered_answer_is_chosen_in_the_form_or_another_one_written(golden: Golden) -> None:
    view = form(Verb.ANSWER, asking(answers=[*ADDRESSES, "x" * 75]).dossier())
    golden("form_answer_choice", view)
    assert validate_view(view) == ()
    options = inputs(view)["answer_choice"]["element"]["options"]
    assert [option["text"]["text"] for option in options] == [*ADDRESSES, "x" * 75, "Another answer, written below"]
    assert inputs(view)["answer"]["optional"] is True


def test_a_closed_list_of_answers_has_no_field_for_another() -> None:
    view = form(Verb.ANSWER, asking(answers=ADDRESSES, free_answer=False).dossier())
    assert list(inputs(view)) == ["answer_choice"]


def test_a_response_by_schema_has_an_input_for_each_property(golden: Golden) -> None:
    view = form(Verb.ANSWER, asking(response_schema=SCHEMA).dossier())
    golden("form_answer_schema", view)
    assert validate_view(view) == ()
    drawn = inputs(view)
    assert [block["label"]["text"] for block in drawn.values()] == [
        described["title"] for described in SCHEMA["properties"].values()
    ]
    kinds = ["radio_buttons", "number_input", "number_input", "radio_buttons", "datepicker", "plain_text_input"]
    assert [block["element"]["type"] for block in drawn.values()] == kinds
    assert [block["optional"] for block in drawn.values()] == [False, False, True, True, True, True]
    assert "The agent wrote the labels and hints of these fields." in markup(view)
    assert "The right ACME" in framed_text(view)


def test_a_whole_number_with_a_fraction_as_its_limit_is_typed_as_a_text() -> None:
    schema = {"type": "object", "properties": {"units": {"type": "integer", "minimum": 0.5}}}
    view = form(Verb.ANSWER, asking(response_schema=schema).dossier())
    assert inputs(view)["answer_data.0"]["element"]["type"] == "plain_text_input"


def test_the_words_of_a_schema_are_cleaned_plain_text() -> None:
    lure = "*Approve* <@U1> \u202eevil\u202c <https://evil.example|bank>"
    schema = {"type": "object", "properties": {"it": {"type": "string", "title": lure, "description": lure}}}
    view = form(Verb.ANSWER, asking(response_schema=schema).dossier())
    block = inputs(view)["answer_data.0"]
    assert (block["label"]["type"], block["hint"]["type"]) == ("plain_text", "plain_text")
    assert block["label"]["text"] == lure.replace("\u202e", "").replace("\u202c", "")
    assert "evil" not in markup(view)


def answered(**typed: dict[str, Any]) -> dict[str, Any]:
    dossier = asking(response_schema=SCHEMA).dossier()
    values = state_of(form(Verb.ANSWER, dossier)["blocks"], {})
    for name, given in typed.items():
        number = list(SCHEMA["properties"]).index(name)
        values[f"answer_data.{number}"]["answer_data"] |= given
    return read_slots(slots_of(Field.ANSWER_DATA, dossier), Field.ANSWER_DATA, values)


TOWN, UNITS = {"selected_option": {"value": "1"}}, {"value": "4"}


def test_entered_values_have_the_types_of_the_schema_and_absent_ones_stay_absent() -> None:
    assert answered(town=TOWN, units=UNITS) == {"town": "York", "units": 4}
    full = answered(
        town=TOWN,
        units=UNITS,
        area={"value": "12.50"},
        listed={"selected_option": {"value": "1"}},
        since={"selected_date": "2026-12-01"},
        note={"value": " two doors \n"},
    )
    more = {"area": 12.5, "listed": False, "since": "2026-12-01", "note": "two doors"}
    assert full == {"town": "York", "units": 4, **more}
    assert type(full["units"]) is int


def test_an_optional_choice_can_be_left_out_again() -> None:
    assert answered(town=TOWN, units=UNITS, listed={"selected_option": {"value": "none"}}) == {
        "town": "York",
        "units": 4,
    }


@pytest.mark.parametrize(
    ("name", "typed", "fault"),
    [
        ("town", {"selected_option": None}, "Fill this in"),
        ("town", {"selected_option": {"value": "2"}}, "Close it and open it again."),
        ("units", {"value": None}, "Fill this in"),
        ("units", {"value": "0"}, "This must be at least 1."),
        ("units", {"value": "4.5"}, "Write a whole number such as 12."),
        ("note", {"value": "x" * 201}, "This must be at most 200 characters, and it has 201."),
        ("since", {"type": "plain_text_input", "value": "soon"}, "Close it and open it again."),
    ],
)
def test_a_value_that_does_not_fit_is_a_fault_beside_its_field(name: str, typed: dict[str, Any], fault: str) -> None:
    entered: dict[str, dict[str, Any]] = {"town": TOWN, "units": UNITS, name: typed}
    with pytest.raises(InvalidFormError) as invalid:
        answered(**entered)
    number = list(SCHEMA["properties"]).index(name)
    assert list(invalid.value.errors) == [f"answer_data.{number}"]
    assert fault in invalid.value.errors[f"answer_data.{number}"]


def test_the_card_quotes_the_answer_of_a_form() -> None:
    story = asking(response_schema=SCHEMA).then(Answer, ROSS, answer=None, answer_data={"town": "York", "units": 4})
    drawn = framed_text(list(card(story.dossier()).blocks))
    assert 'town: "York" units: 4' in drawn
