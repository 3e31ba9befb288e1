"""What a verb looks like is one row, and nothing starts without it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from blocks.kit.ids import ActionId
from blocks.words.verbs import LOOKS, Place, check_complete, offered_at
from rules.state.commands import HumanDecisionType, Verb

DECISIONS = sorted(Verb(each.value) for each in HumanDecisionType)


@pytest.mark.parametrize("verb", LOOKS)
def test_a_verb_that_is_offered_has_a_look(verb: Verb) -> None:
    with pytest.raises(TypeError, match=f"differ by {verb}$"):
        check_complete({other: look for other, look in LOOKS.items() if other is not verb})


def test_a_verb_that_is_not_offered_has_none() -> None:
    with pytest.raises(TypeError, match=r"differ by consent$"):
        check_complete({**LOOKS, Verb.CONSENT: LOOKS[Verb.APPROVE]})


@pytest.mark.parametrize("verb", DECISIONS)
def test_a_decision_has_words_that_introduce_what_was_said_with_it(verb: Verb) -> None:
    with pytest.raises(TypeError, match=f"introduced for {verb}$"):
        check_complete({**LOOKS, verb: replace(LOOKS[verb], remark=None)})


def test_each_verb_is_offered_in_one_place_and_in_order() -> None:
    places = [offered_at(place, LOOKS) for place in Place]
    assert sorted(verb for verbs in places for verb in verbs) == sorted(LOOKS)
    assert offered_at(Place.CARD, {Verb.REJECT, Verb.APPROVE, Verb.DEFER}) == [Verb.APPROVE, Verb.REJECT]


def test_no_verb_has_the_name_of_another_thing_that_can_be_clicked() -> None:
    assert not {*ActionId} & {*LOOKS}
