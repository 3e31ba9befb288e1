"""A reviewer edits the exact parameters, sees the changes, and confirms exactly those."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blocks.forms.entries import FILL_IN, NumberEntry, TextEntry, needs_escapes
from blocks.forms.fields import confirmation
from blocks.forms.forms import edit_confirmation, form
from blocks.forms.json_text import UnreadableError
from blocks.forms.slots import InvalidFormError, Slot, parameter_slots, read_slots
from blocks.kit.ids import Field
from playground.blockkit.validate import validate_view
from playground.model.choices import state_of
from rules.canonical import canonical_json
from rules.form_schema import FormSchema
from rules.package.model import DecisionPackage
from rules.state.commands import Verb
from tests.blocks.conftest import Golden
from tests.blocks.dossiers import Story, dossier
from tests.blocks.packages import largest, numbers, objects, values
from tests.blocks.proposals import NOTICE
from tests.blocks.reading import framed_text, inputs, markup, unframed_text
from tests.rules.world import package

texts_of_any_kind = st.text(st.characters(exclude_categories=["Cs"]), max_size=40) | st.text(" \n\t\\u20ab\u200b")
BLOCKS = [f"action_parameters.{number}" for number in range(5)]
kinds = ["plain_text_input", "number_input", "radio_buttons", "static_select", "datepicker", "checkboxes"]
given_inputs = st.fixed_dictionaries(
    {"type": st.sampled_from(kinds)},
    optional={
        "value": values | st.text(),
        "selected_option": values | st.fixed_dictionaries({"value": values | st.sampled_from(["0", "1", "none"])}),
        "selected_date": values | st.sampled_from(["2026-02-30", "2026-12-02"]),
    },
)
anything = st.dictionaries(st.sampled_from(["action_parameters", "to"]), given_inputs | values) | values


def slots(package: DecisionPackage, catalogue: FormSchema | None = None) -> list[Slot]:
    return parameter_slots(package, catalogue)


def outcome(reading: Callable[[], Any]) -> Any:
    """What is read, or the fault that is shown to the person."""
    try:
        return reading()
    except (InvalidFormError, UnreadableError) as fault:
        return fault


def untouched(view: dict[str, Any]) -> dict[str, Any]:
    """What Slack returns if nobody types anything."""
    return state_of(view["blocks"], {})


def edited(proposal: DecisionPackage, catalogue: FormSchema | None = None, **typed: dict[str, Any]) -> dict[str, Any]:
    """The parameters that are read from the form, after something was typed into some of its fields."""
    fields = slots(proposal, catalogue)
    values = untouched(form(Verb.APPROVE_WITH_EDITS, Story(proposal).dossier(parameters_schema=catalogue)))
    for name, given_ in typed.items():
        [number] = [number for number, slot in enumerate(fields) if slot.name == name]
        values[f"action_parameters.{number}"]["action_parameters"] |= given_
    return read_slots(fields, Field.PARAMETERS, values)


@pytest.mark.slow
@given(objects)
def test_parameters_that_nobody_touches_come_back_byte_for_byte(parameters: dict[str, Any]) -> None:
    proposal = package(action_parameters=parameters)
    view = form(Verb.APPROVE_WITH_EDITS, Story(proposal).dossier())
    assert validate_view(view) == ()
    if inputs(view):
        read = read_slots(slots(proposal), Field.PARAMETERS, untouched(view))
        assert (canonical_json(read), list(read)) == (canonical_json(parameters), list(parameters))


@pytest.mark.slow
@given(texts_of_any_kind)
def test_a_text_is_read_back_as_it_was_written_into_its_field(text: str) -> None:
    entry = TextEntry(escaped=needs_escapes(text), empty="")
    written = entry.write(text)
    assert entry.read({"type": "plain_text_input", "value": written}) == text
    assert written == written.strip()
    assert needs_escapes(written) is False


@pytest.mark.slow
@given(st.text(max_size=40))
def test_anything_typed_where_escapes_are_read_is_a_text_or_a_fault(typed: str) -> None:
    entry = TextEntry(escaped=True, empty="")
    read = outcome(lambda: entry.read({"type": "plain_text_input", "value": typed}))
    assert isinstance(read, UnreadableError) or read.encode().decode() == read


@pytest.mark.slow
@given(numbers)
def test_a_number_is_read_back_as_it_was_written_into_its_field(number: float) -> None:
    entry = NumberEntry(whole=isinstance(number, int))
    element = entry.element(number)
    read = entry.read({"type": element["type"], "value": element["initial_value"]})
    assert canonical_json(read) == canonical_json(number)
    assert isinstance(read, int) or not isinstance(number, int)


@pytest.mark.parametrize(
    ("value", "kind", "initial"),
    [
        pytest.param("Hello", "plain_text_input", "Hello", id="text"),
        pytest.param("", "plain_text_input", None, id="empty text"),
        pytest.param("a\nb ", "plain_text_input", "a\nb\\u0020", id="space at the end"),
        pytest.param("a\u200bb", "plain_text_input", "a\\u200bb", id="hidden character"),
        pytest.param("C:\\temp", "plain_text_input", "C:\\temp", id="backslash"),
        pytest.param("C:\\temp\t", "plain_text_input", "C:\\\\temp\\u0009", id="backslash and tab"),
        pytest.param(42, "number_input", "42", id="whole number"),
        pytest.param(12.50, "number_input", "12.5", id="number"),
        pytest.param(1e-7, "plain_text_input", "1e-7", id="number with an exponent"),
        pytest.param(None, "plain_text_input", None, id="null"),
        pytest.param(["a", 1], "plain_text_input", '[\n  "a",\n  1\n]', id="list"),
    ],
)
def test_each_parameter_has_a_field_of_its_type(value: Any, kind: str, initial: str | None) -> None:
    view = form(Verb.APPROVE_WITH_EDITS, Story(package(action_parameters={"it": value})).dossier())
    block = inputs(view)["action_parameters.0"]
    assert (block["label"]["text"], block["element"]["type"]) == ("it", kind)
    assert block["element"].get("initial_value") == initial


def test_a_boolean_is_yes_or_no_and_a_date_has_a_calendar() -> None:
    proposal = package(action_parameters={"register": True, "due": "2026-12-01"})
    view = inputs(form(Verb.APPROVE_WITH_EDITS, Story(proposal).dossier()))
    assert view["action_parameters.0"]["element"]["initial_option"]["text"]["text"] == "Yes"
    assert view["action_parameters.1"]["element"]["initial_date"] == "2026-12-01"


@pytest.mark.parametrize(
    ("value", "typed", "read"),
    [
        ("Hello", {"value": " Bye "}, " Bye "),
        ("", {"value": None}, ""),
        ("C:\\a", {"value": "C:\\new"}, "C:\\new"),
        ("a\u200b", {"value": "b\\u200b"}, "b\u200b"),
        (42, {"value": "43"}, 43),
        (12.5, {"value": "13"}, 13),
        (12.5, {"value": "1e3"}, 1000.0),
        (None, {"value": None}, None),
        (None, {"value": "now"}, "now"),
        (True, {"selected_option": {"value": "1"}}, False),
        ("2026-12-01", {"selected_date": "2026-12-02"}, "2026-12-02"),
        ([1], {"value": "[1, 2]"}, [1, 2]),
    ],
)
def test_what_is_typed_is_read_by_the_type_of_the_field(value: Any, typed: dict[str, Any], read: Any) -> None:
    assert canonical_json(edited(package(action_parameters={"it": value}), it=typed)) == canonical_json({"it": read})


INCOMPLETE = "Close it and open it again."


@pytest.mark.parametrize(
    ("value", "typed", "fault"),
    [
        (42, {"value": "43.5"}, "Write a whole number"),
        (42, {"value": "0x2b"}, "Write a whole number"),
        (42, {"value": None}, "Fill this in"),
        (42, {"value": "9" * 30}, "more digits than can be kept"),
        (12.5, {"value": "1,5"}, "Write a number"),
        (12.5, {"value": "0.12345678901234567890"}, "more digits than can be kept"),
        (12.5, {"value": "1e999"}, "more digits than can be kept"),
        ("a\u200b", {"value": "C:\\new"}, "write a backslash as"),
        ("a\u200b", {"value": "\\ud800"}, "half of a character"),
        ("a", {"value": "\ud800"}, "half of a character"),
        ("a", {"value": "b\x0b"}, "a control character"),
        ("a\u200b", {"value": "b\\u0000"}, "a control character"),
        ("a", {"type": "checkboxes"}, INCOMPLETE),
        ("a", {"value": ["b"]}, INCOMPLETE),
        (42, {"type": "users_select"}, INCOMPLETE),
        (True, {"selected_option": {"value": "2"}}, INCOMPLETE),
        (True, {"selected_option": {"value": "none"}}, INCOMPLETE),
        (True, {"selected_option": None}, "Fill this in"),
        ("2026-12-01", {"selected_date": "2026-13-01"}, INCOMPLETE),
        ("2026-12-01", {"selected_date": None}, "Fill this in"),
        ([1], {"value": "[1"}, "a comma or a closing bracket is missing"),
        ([1], {"value": None}, "Write the value as JSON"),
    ],
)
def test_what_cannot_be_read_is_a_fault_beside_its_field(value: Any, typed: dict[str, Any], fault: str) -> None:
    with pytest.raises(InvalidFormError) as invalid:
        edited(package(action_parameters={"other": 1, "it": value}), it=typed)
    assert list(invalid.value.errors) == ["action_parameters.1"]
    assert fault in invalid.value.errors["action_parameters.1"]


@pytest.mark.slow
@given(st.dictionaries(st.sampled_from([*BLOCKS, "action_parameters", "to"]), anything))
def test_anything_that_comes_back_is_read_or_refused(values: dict[str, Any]) -> None:
    proposal = package(action_parameters={"to": "Ann", "copies": 1, "register": True, "due": "2026-12-01", "more": [1]})
    read = outcome(lambda: read_slots(slots(proposal), Field.PARAMETERS, values))
    assert isinstance(read, InvalidFormError) or canonical_json(read)
    assert not isinstance(read, InvalidFormError) or read.errors.keys() <= {*BLOCKS}


SCHEMA = FormSchema.model_validate(
    {
        "type": "object",
        "properties": {
            "to": {"type": "string", "title": "Recipient", "description": "As in the register.", "maxLength": 40},
            "priority": {"enum": ["low", "high"], "title": "Priority"},
            "cc": {"type": "string", "title": "Copy to"},
        },
    }
)
MAIL = {"to": "ann@acme.example", "priority": "low", "subject": "Hello"}


def labels(proposal: DecisionPackage, catalogue: FormSchema | None = None) -> list[str]:
    return [slot.label for slot in slots(proposal, catalogue)]


def test_the_policys_schema_gives_labels_and_adds_what_the_agent_left_out() -> None:
    assert labels(package(action_parameters=MAIL), SCHEMA) == ["Recipient", "Priority", "subject", "Copy to"]
    assert edited(package(action_parameters=MAIL), SCHEMA) == MAIL
    assert edited(package(action_parameters=MAIL), SCHEMA, cc={"value": "bo@acme.example"}) == MAIL | {
        "cc": "bo@acme.example"
    }


def test_an_agents_schema_gives_types_and_no_labels() -> None:
    proposal = package(action_parameters=MAIL, parameters_schema=SCHEMA)
    assert labels(proposal) == ["to", "priority", "subject", "cc"]
    assert labels(proposal, SCHEMA)[0] == "Recipient"


LIMITS_NOTE = "The agent set the types and limits of these fields."


def test_the_form_says_that_the_agents_own_schema_limits_what_can_be_entered() -> None:
    story = Story(package(action_parameters=MAIL, parameters_schema=SCHEMA))
    changed = MAIL | {"subject": "Hi"}
    for limits, is_told in ((None, True), (SCHEMA, False)):
        seen = story.dossier(parameters_schema=limits)
        for view in (form(Verb.APPROVE_WITH_EDITS, seen), edit_confirmation(seen, changed)):
            assert (LIMITS_NOTE in markup(view)) is is_told
    assert LIMITS_NOTE not in markup(form(Verb.APPROVE_WITH_EDITS, Story(package()).dossier()))


def test_a_value_that_does_not_fit_the_schema_has_the_field_of_its_own_type() -> None:
    proposal = package(action_parameters=MAIL | {"priority": "urgent"})
    assert edited(proposal, SCHEMA, priority={"value": "later"})["priority"] == "later"


def test_what_the_policy_requires_cannot_be_emptied_or_left_out() -> None:
    needed = FormSchema.model_validate(SCHEMA.plain | {"required": ["to", "cc"]})
    with pytest.raises(InvalidFormError) as invalid:
        edited(package(action_parameters=MAIL), needed, to={"value": None})
    assert invalid.value.errors == dict.fromkeys(["action_parameters.0", "action_parameters.3"], FILL_IN)
    view = form(Verb.APPROVE_WITH_EDITS, Story(package(action_parameters=MAIL)).dossier(parameters_schema=needed))
    optional = [block["label"]["text"] for block in inputs(view).values() if block["optional"]]
    assert optional == ["subject", "Why you edit it"]


def test_without_a_schema_of_the_policy_a_text_that_the_agent_filled_cannot_be_emptied() -> None:
    proposal = package(action_parameters={"to": "ann@acme.example", "cc": "", "note": None})
    view = form(Verb.APPROVE_WITH_EDITS, Story(proposal).dossier())
    optional = [block["label"]["text"] for block in inputs(view).values() if block["optional"]]
    assert optional == ["cc", "note", "Why you edit it"]
    with pytest.raises(InvalidFormError) as invalid:
        edited(proposal, to={"value": None})
    assert invalid.value.errors == {"action_parameters.0": FILL_IN}
    assert edited(package(action_parameters=MAIL), SCHEMA, subject={"value": None})["subject"] == ""


def test_a_key_that_reads_like_a_label_of_the_policy_stands_in_quotes() -> None:
    lure = package(action_parameters={"Recipient": "ann@acme.example", "to": "eve@acme.example"})
    assert labels(lure, SCHEMA)[:2] == ['"Recipient"', "Recipient"]


def test_changes_have_the_names_and_the_order_of_the_fields() -> None:
    story = Story(package(action_parameters={"to": "ann", "order": {"b": 1, "a": 2}, "name 1": 1}))
    view = edit_confirmation(
        story.dossier(parameters_schema=SCHEMA), {"to": "bo", "order": {"b": 2, "a": 2}, "name 1": 2}
    )
    paths = [line for line in unframed_text(view).split("\n") if line in ("Recipient", "order.b", "name 1", "to")]
    assert paths == ["Recipient", "order.b", "name 1"]


def test_an_edit_keeps_to_the_schema() -> None:
    with pytest.raises(InvalidFormError) as invalid:
        edited(package(action_parameters=MAIL), SCHEMA, to={"value": "x" * 41})
    assert invalid.value.errors == {"action_parameters.0": "This must be at most 40 characters, and it has 41."}


def test_parameters_too_long_for_a_form_can_be_revised() -> None:
    view = form(Verb.APPROVE_WITH_EDITS, Story(largest()).dossier())
    assert "This parameter is longer than the 3,000 characters that a form field holds:" in markup(view)
    assert "body" in framed_text(view)
    assert "Use *Revise*" in markup(view)
    assert (inputs(view), "submit" in view) == ({}, False)


def test_more_parameters_than_a_form_holds_can_be_revised() -> None:
    many = {f"name {number}": number for number in range(51)}
    view = form(Verb.APPROVE_WITH_EDITS, Story(package(action_parameters=many)).dossier())
    assert "This has 51 parameters, and a form holds 50. Use *Revise*" in markup(view)
    assert "submit" not in view


@pytest.mark.parametrize("parameters", [{"body": "B" * 3001}, {"a": ["\u200b" * 600]}])
def test_an_edit_too_long_to_be_shown_again_is_refused(parameters: dict[str, Any]) -> None:
    view = edit_confirmation(Story(package(action_parameters={name: [] for name in parameters})).dossier(), parameters)
    assert "longer than the 3,000 characters" in markup(view)
    assert "submit" not in view


def test_nested_values_that_barely_fit_are_shown_as_compact_json() -> None:
    close = {"numbers": list(range(500))}
    view = form(Verb.APPROVE_WITH_EDITS, Story(package(action_parameters=close)).dossier())
    assert json.loads(inputs(view)["action_parameters.0"]["element"]["initial_value"]) == close["numbers"]


def test_a_package_without_parameters_cannot_be_edited() -> None:
    view = form(Verb.APPROVE_WITH_EDITS, dossier("answered"))
    assert "no parameters to edit" in unframed_text(view)


EDIT = {"to": "office@acme.example", "template": "notice-456", "attachments": [], "register": True}


def test_an_edit_is_shown_again_before_it_is_submitted(golden: Golden) -> None:
    view = edit_confirmation(dossier("pending"), EDIT)
    golden("form_edited", view)
    assert validate_view(view) == ()
    assert 'legal@acme.example"' in framed_text(view)
    assert view["title"]["text"] == "Check your changes"
    assert "*Your edit changes 2 values:*" in markup(view)
    assert read_slots(slots(package(**NOTICE)), Field.PARAMETERS, untouched(view)) == EDIT


def test_a_box_ticked_for_one_edit_confirms_no_other() -> None:
    [tick] = inputs(edit_confirmation(dossier("pending"), EDIT))["confirmed"]["element"]["options"]
    assert tick["value"] == confirmation(EDIT)
    assert tick["value"] != confirmation(EDIT | {"register": False})


@pytest.mark.slow
@given(objects, objects)
def test_an_edit_of_any_value_gives_a_valid_view(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert validate_view(edit_confirmation(Story(package(action_parameters=before)).dossier(), after)) == ()


def test_of_a_text_only_the_changed_lines_are_shown_with_their_line_breaks() -> None:
    before, after = "Dear all,\nrenew it by 10 May.\nYours", "Dear all,\nrenew it by 15 May.\nPlease.\nYours "
    view = edit_confirmation(Story(package(action_parameters={"body": before})).dossier(), {"body": after})
    assert framed_text(view).endswith('- renew it by 10 May.\n- Yours\n+ renew it by 15 May.\n+ Please.\n+ "Yours "')


def test_a_change_far_into_a_long_text_is_shown_where_it_is() -> None:
    before, after = "x" * 1000 + "before" + "y" * 1000, "x" * 1000 + "after!" + "y" * 1000
    view = edit_confirmation(Story(package(action_parameters={"body": before})).dossier(), {"body": after})
    assert ("xbefore" in framed_text(view), "xafter!" in framed_text(view)) == (True, True)


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        ("Dear all,\n" + "x" * 300, "Dear all,\n" + "x" * 300 + " And soon.", "x And soon."),
        ("a\n" + "x" * 300 + "before", "b\n" + "x" * 300 + "after", "xafter"),
        ("x" * 300 + "a\nshort", "x" * 300 + "b\nlong" + "y" * 300, "longyyy"),
    ],
    ids=["something is added at the end", "another line before it changes", "another line changes further on"],
)
def test_each_changed_line_is_shown_where_it_differs(before: str, after: str, shown: str) -> None:
    view = edit_confirmation(Story(package(action_parameters={"body": before})).dossier(), {"body": after})
    assert shown in framed_text(view)


def test_an_edit_with_many_changes_counts_those_not_shown() -> None:
    many = {f"name {number}": number for number in range(40)}
    view = edit_confirmation(Story(package(action_parameters=many)).dossier(), dict.fromkeys(many, -1))
    assert "10 more changes in the fields below" in markup(view)
    assert validate_view(view) == ()
