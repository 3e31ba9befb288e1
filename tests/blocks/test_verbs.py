"""Every offered verb has exactly one look; otherwise the import fails."""

from __future__ import annotations

from dataclasses import replace

import pytest

from blocks.kit.ids import ActionId, Field
from blocks.words.verb_look import Position, check_complete
from blocks.words.verbs import LOOKS, offered_at
from rules.state.commands import HumanDecisionType, Verb

DECISIONS = sorted(Verb(decision.value) for decision in HumanDecisionType)


@pytest.mark.parametrize("verb", LOOKS)
def test_every_offered_verb_has_a_look(verb: Verb) -> None:
    with pytest.raises(TypeError, match=f"differ by {verb}$"):
        check_complete({other: look for other, look in LOOKS.items() if other is not verb})


def test_a_verb_that_is_not_offered_has_no_look() -> None:
    with pytest.raises(TypeError, match=r"differ by consent$"):
        check_complete({**LOOKS, Verb.CONSENT: LOOKS[Verb.APPROVE]})


@pytest.mark.parametrize("verb", DECISIONS)
def test_every_decision_has_words_that_introduce_its_comment(verb: Verb) -> None:
    with pytest.raises(TypeError, match=f"introduced for {verb}$"):
        check_complete({**LOOKS, verb: replace(LOOKS[verb], remark=None)})


@pytest.mark.parametrize("verb", DECISIONS)
def test_every_decision_has_a_past_tense(verb: Verb) -> None:
    with pytest.raises(TypeError, match=f"known for {verb}$"):
        check_complete({**LOOKS, verb: replace(LOOKS[verb], past=None)})


@pytest.mark.parametrize(
    "verb", [verb for verb, look in LOOKS.items() if {Field.INSTRUCTIONS, Field.UNTIL} & {*look.fields}]
)
def test_a_form_has_a_label_for_its_instructions_and_its_time(verb: Verb) -> None:
    with pytest.raises(TypeError, match=f"the form of {verb} .*leaves out the label"):
        check_complete({**LOOKS, verb: replace(LOOKS[verb], labels={})})


def test_a_form_has_no_label_for_a_field_that_it_lacks() -> None:
    with pytest.raises(TypeError, match="the form of reject labels fields that it does not have"):
        check_complete({**LOOKS, Verb.REJECT: replace(LOOKS[Verb.REJECT], labels={Field.UNTIL: "When"})})


@pytest.mark.parametrize("verb", [Verb.DEFER, Verb.COMMENT, Verb.REVOKE, Verb.WITHDRAW])
def test_a_form_requires_the_comment_that_the_command_requires(verb: Verb) -> None:
    with pytest.raises(TypeError, match=f"the form of {verb} does not require the comment"):
        check_complete({**LOOKS, verb: replace(LOOKS[verb], comment_required=False)})


def test_a_form_that_requires_a_comment_has_a_field_for_it() -> None:
    with pytest.raises(TypeError, match="the form of claim_task requires a comment and has no field"):
        check_complete({**LOOKS, Verb.CLAIM_TASK: replace(LOOKS[Verb.CLAIM_TASK], comment_required=True)})


def test_each_verb_has_one_place_and_a_fixed_order() -> None:
    places = [offered_at(position, LOOKS) for position in Position]
    assert sorted(verb for verbs in places for verb in verbs) == sorted(LOOKS)
    assert offered_at(Position.CARD, {Verb.REJECT, Verb.APPROVE, Verb.DEFER}) == [Verb.APPROVE, Verb.REJECT]


def test_no_verb_shares_its_name_with_another_action_id() -> None:
    assert not {*ActionId} & {*LOOKS}
