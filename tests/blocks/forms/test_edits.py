"""A reviewer edits the exact parameters, sees the changes, and confirms exactly those."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given

from blocks.forms.fields import confirmation
from blocks.forms.forms import edit_confirmation, form
from playground.blockkit.validate import validate_view
from rules.state.commands import Verb
from tests.blocks.conftest import Golden
from tests.blocks.dossiers import Story, dossier
from tests.blocks.packages import largest, objects
from tests.blocks.reading import framed_text, inputs, markup, unframed_text
from tests.rules.world import package


@pytest.mark.slow
@given(objects)
def test_the_parameters_to_edit_equal_the_proposed_ones(parameters: dict[str, Any]) -> None:
    view = form(Verb.APPROVE_WITH_EDITS, Story(package(action_parameters=parameters)).dossier())
    given_ = [block["element"]["initial_value"] for name, block in inputs(view).items() if name == "action_parameters"]
    assert [json.loads(written) for written in given_] == [parameters] * len(given_)
    assert validate_view(view) == ()


def test_parameters_too_long_for_a_form_can_be_revised() -> None:
    view = form(Verb.APPROVE_WITH_EDITS, Story(largest()).dossier())
    assert "longer than the 3,000 characters" in markup(view)
    assert "Use *Revise*" in markup(view)
    assert (inputs(view), "submit" in view) == ({}, False)


@pytest.mark.parametrize("parameters", [largest().action_parameters, {"a": "\u200b" * 600}])
def test_an_edit_too_long_to_be_shown_again_is_refused(parameters: dict[str, Any]) -> None:
    view = edit_confirmation(dossier("pending"), parameters)
    assert "longer than the 3,000 characters" in markup(view)
    assert "submit" not in view


def test_parameters_that_barely_fit_are_shown_as_compact_json() -> None:
    close = {f"{number}": number for number in range(250)}
    view = form(Verb.APPROVE_WITH_EDITS, Story(package(action_parameters=close)).dossier())
    assert json.loads(inputs(view)["action_parameters"]["element"]["initial_value"]) == close


def test_a_package_without_parameters_cannot_be_edited() -> None:
    view = form(Verb.APPROVE_WITH_EDITS, dossier("answered"))
    assert "no parameters to edit" in unframed_text(view)


EDIT = {"to": "office@acme.example", "template": "notice-456", "attachments": [], "register": True}


def test_an_edit_is_shown_again_before_it_is_submitted(golden: Golden) -> None:
    view = edit_confirmation(dossier("pending"), EDIT)
    golden("form_edited", view)
    assert validate_view(view) == ()
    assert 'legal@acme.example"' in framed_text(view)
    assert "*Your edit changes 2 values:*" in markup(view)
    assert json.loads(inputs(view)["action_parameters"]["element"]["initial_value"]) == EDIT


def test_a_box_ticked_for_one_edit_confirms_no_other() -> None:
    [tick] = inputs(edit_confirmation(dossier("pending"), EDIT))["confirmed"]["element"]["options"]
    assert tick["value"] == confirmation(EDIT)
    assert tick["value"] != confirmation(EDIT | {"register": False})


@pytest.mark.slow
@given(objects, objects)
def test_an_edit_of_any_value_gives_a_valid_view(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert validate_view(edit_confirmation(Story(package(action_parameters=before)).dossier(), after)) == ()


def test_an_edit_with_many_changes_counts_those_not_shown() -> None:
    view = edit_confirmation(dossier("pending"), {f"name {number}": number for number in range(100)})
    assert "more changes below" in markup(view)
    assert validate_view(view) == ()
