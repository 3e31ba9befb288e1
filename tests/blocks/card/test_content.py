"""Cards, forms and Details show exactly the lines of `rules.package.layout`."""

from __future__ import annotations

from itertools import chain
from typing import Any

import pytest
from hypothesis import given

from blocks.card.card import card
from blocks.details.details import content_page_count, details_view
from blocks.forms.forms import SHOWS_CONTENT, form, read_step, step
from playground.blockkit.validate import validate_view
from rules.package.layout import Content, card_passages, fits_on_card, passages
from rules.package.model import DecisionPackage, Kind
from rules.state.commands import Verb
from tests.blocks.card.test_card import card_text
from tests.blocks.dossiers import Story
from tests.blocks.packages import hostile, largest, objects
from tests.blocks.reading import framed_text, inputs, markup, of_type, unframed_text
from tests.rules.world import package

GRANTING = sorted(SHOWS_CONTENT - {Verb.APPROVE_WITH_EDITS})
LETTER = {"body": "\n".join(f"line {number} of a long letter" for number in range(2_000))}
FEW = {f"name_{number}": f"value {number}" for number in range(5)}


def lines_of(proposal: DecisionPackage) -> list[str]:
    return list(chain.from_iterable(lines for _, lines in passages(proposal)))


def card_lines_of(proposal: DecisionPackage) -> list[str]:
    return list(chain.from_iterable(lines for _, lines in card_passages(proposal)))


def bare(text: str) -> str:
    """The text without line breaks: a line longer than a block continues in the next one."""
    return text.replace("\n", "")


def whole_form(verb: Verb, proposal: DecisionPackage) -> list[Any]:
    drawn = Story(proposal).dossier()
    return [step(verb, drawn, number).view for number in range(1, step(verb, drawn, 1).of + 1)]


@pytest.mark.slow
@given(
    hostile.filter(fits_on_card) | objects.map(lambda given_: package(action_parameters=given_)).filter(fits_on_card)
)
def test_content_that_the_rules_call_complete_is_complete_on_the_card(proposal: DecisionPackage) -> None:
    shown = framed_text(card(Story(proposal).dossier()).blocks)
    assert [line for line in card_lines_of(proposal) if line not in shown] == []
    assert "Shortened:" not in unframed_text(card(Story(proposal).dossier()).blocks)


@pytest.mark.slow
@pytest.mark.parametrize("verb", GRANTING)
@given(proposal=hostile)
def test_a_form_shows_the_complete_content(verb: Verb, proposal: DecisionPackage) -> None:
    views = whole_form(verb, proposal)
    shown = "".join(bare(framed_text(view["blocks"])) for view in views)
    assert [line for line in lines_of(proposal) if bare(line) not in shown] == []


@given(hostile)
def test_details_begin_with_the_complete_content(proposal: DecisionPackage) -> None:
    drawn = Story(proposal).dossier()
    shown = "".join(
        bare(framed_text(details_view(drawn, page)["blocks"][1:])) for page in range(1, content_page_count(drawn) + 1)
    )
    assert [line for line in lines_of(proposal) if bare(line) not in shown] == []


@pytest.mark.parametrize("verb", GRANTING)
def test_only_the_last_step_can_be_submitted(verb: Verb) -> None:
    views = whole_form(verb, package(action_parameters=LETTER, risk_level="high"))
    assert ["submit" in view for view in views] == [False] * (len(views) - 1) + [True]
    assert [bool(inputs(view)) for view in views] == [False] * (len(views) - 1) + [True]
    assert [validate_view(view) for view in views] == [()] * len(views)
    assert len(views) > 2


def test_each_step_leads_to_its_neighbours() -> None:
    drawn = Story(package(action_parameters=LETTER, risk_level="high")).dossier()
    led = [
        [read_step(button["value"]) for button in of_type(step(Verb.APPROVE, drawn, number).view, "button")]
        for number in (1, 2, 3)
    ]
    there = {number: (number, Verb.APPROVE, drawn.ref) for number in (1, 2, 3)}
    assert led == [[there[2]], [there[1], there[3]], [there[2]]]


@pytest.mark.parametrize("number", [-1, 0, 1])
def test_a_step_that_does_not_exist_gives_the_nearest_one(number: int) -> None:
    drawn = Story(package(action_parameters=LETTER, risk_level="high")).dossier()
    assert step(Verb.APPROVE, drawn, number) == step(Verb.APPROVE, drawn, 1)
    assert step(Verb.APPROVE, drawn, 99) == step(Verb.APPROVE, drawn, 3)


@pytest.mark.parametrize(
    "written", ["", "1", "0 approve pkg_1 1 0 -", "x approve pkg_1 1 0 -", "1 consent pkg_1 1 0 -", "1 pkg_1 1 0 -"]
)
def test_a_value_that_is_not_exactly_a_step_is_rejected(written: str) -> None:
    assert read_step(written) is None


def test_an_edit_form_shows_the_content_that_cannot_be_edited() -> None:
    proposal = package(kind="memory", rationale="r\n" * 40 + "end", action_parameters=_MEMORY)
    view = form(Verb.APPROVE_WITH_EDITS, Story(proposal).dossier())
    assert "r\n" * 40 + "end" in framed_text(view)
    first = inputs(view)["action_parameters.0"]
    assert (first["label"]["text"], first["element"]["initial_value"]) == ("proposed_memory", "Letters on paper.")


_MEMORY = {
    "proposed_memory": "Letters on paper.",
    "source_refs": ["doc_1"],
    "sensitivity": "internal",
    "retention": "1y",
}


@pytest.mark.parametrize("verb", sorted(SHOWS_CONTENT))
def test_a_form_that_cannot_show_everything_has_no_submit_and_names_alternatives(verb: Verb) -> None:
    deep: Any = list(range(7_000))
    for _ in range(25):
        deep = [deep]
    drawn = Story(package(recommendation="escalate", action_parameters={"deep": deep})).dossier()
    at = step(verb, drawn, 1)
    assert (at.of, "submit" in at.view, inputs(at.view)) == (0, False, {})
    assert "longer than the 240,000 characters that a form can show" in markup(at.view)
    assert "*Revise*" in markup(at.view)
    assert "*Reject*" in markup(at.view)


# What a card says of what it cut.


def test_a_card_says_how_much_it_shows() -> None:
    proposal = package(action_parameters=FEW | {"long": "x" * 5_000, "last": "1"})
    assert "Shortened: 2,500 of 5,099 characters shown. Approve shows all of it." in card_text(
        Story(proposal).dossier()
    )


@pytest.mark.parametrize(
    ("fields", "label"),
    [
        pytest.param({"action_parameters": {"text": "x" * 5_000}}, "Approve shows all of it.", id="one parameter"),
        pytest.param(
            {"kind": Kind.QUESTION, "action_parameters": None, "proposed_action": "line\n" * 30},
            "Answer shows all of it.",
            id="a question",
        ),
        pytest.param(
            {"recommendation": "escalate", "action_parameters": {"text": "x" * 5_000}},
            "Details shows all of it.",
            id="a takeover",
        ),
    ],
)
def test_a_shortened_card_says_where_the_rest_is(fields: dict[str, Any], label: str) -> None:
    shown = card_text(Story(package(**fields)).dossier())
    assert label in shown
    assert "characters shown" in shown


def test_a_shortened_card_still_names_its_subject() -> None:
    proposal = package(subject_type="case", subject_id="ACME-17", action_parameters=LETTER)
    assert "case ACME-17" in framed_text(card(Story(proposal).dossier()).blocks)
    assert [part for part, _ in passages(proposal)] == [Content.SUBJECT, Content.PARAMETERS]


def test_the_largest_package_is_shown_in_a_form() -> None:
    views = whole_form(Verb.APPROVE, largest())
    shown = "".join(bare(framed_text(view["blocks"][1:])) for view in views)
    assert [line for line in lines_of(largest()) if bare(line) not in shown] == []
