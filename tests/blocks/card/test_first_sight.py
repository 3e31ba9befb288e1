"""What a phone shows of a pending card without scrolling, and what is therefore not repeated below."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from blocks.card.card import card
from blocks.words.dossier import Dossier
from rules.package.model import Cost
from rules.scales import HITLLevel
from rules.state.model import Why
from tests.blocks.card.test_card import PENDING, card_text, texts
from tests.blocks.dossiers import STATES, dossier, emptied_dossier


def beside(shown: Dossier) -> dict[str, str]:
    """The fields under the request, by their names."""
    pairs = (field["text"].split("\n", 1) for field in card(shown).blocks[1].get("fields", ()))
    return {name.strip("*"): value for name, value in pairs}


def proposing(**changes: Any) -> Dossier:
    shown = dossier("pending")
    assert shown.package is not None
    return replace(shown, package=shown.package.model_copy(update=changes))


def finding(*levels: HITLLevel) -> Dossier:
    """A pending card whose rules asked for these levels."""
    shown = dossier("pending")
    why = tuple(Why(rule="rule", level=level, because=f"voice {number}") for number, level in enumerate(levels))
    return replace(shown, state=shown.state.model_copy(update={"why": why}))


@pytest.mark.parametrize("name", PENDING)
def test_stakes_are_shown_beside_the_deadline(name: str) -> None:
    assert list(beside(dossier(name)))[2:4] == ["Undo", "Agent's confidence"]


@pytest.mark.parametrize("name", sorted(set(STATES) - set(PENDING)))
def test_a_card_that_asks_nobody_shows_no_stakes(name: str) -> None:
    assert beside(dossier(name)).keys().isdisjoint({"Undo", "Agent's confidence", "Cost"})


@pytest.mark.parametrize(
    ("cost", "text"),
    [
        pytest.param(Cost(amount=12.5, currency="EUR"), "12.50 EUR", id="usual"),
        pytest.param(Cost(amount=0, currency="USD"), "0.00 USD", id="nothing"),
        pytest.param(Cost(amount=1234567.8, currency="JPY"), "1,234,567.80 JPY", id="much"),
        pytest.param(Cost(amount=0.004, currency="EUR"), "0.004 EUR", id="less than a cent"),
    ],
)
def test_the_cost_is_shown_unrounded(cost: Cost, text: str) -> None:
    assert beside(proposing(cost=cost))["Cost"] == text


def test_without_a_cost_there_is_no_field_for_it() -> None:
    assert "Cost" not in beside(proposing(cost=None))


@pytest.mark.parametrize(("confidence", "text"), [(0.82, "82%"), (0.996, "99%"), (1.0, "100%"), (0, "0%")])
def test_the_agents_confidence_is_a_percentage_that_is_never_rounded_up(confidence: float, text: str) -> None:
    assert beside(proposing(confidence=confidence))["Agent's confidence"] == text


def test_reversibility_is_still_shown_when_the_content_was_removed() -> None:
    assert list(beside(emptied_dossier("pending")))[2:] == ["Undo"]


@pytest.mark.parametrize("words", ["Irreversible", "12.50 EUR", "82%"])
def test_fields_under_the_request_are_not_repeated(words: str) -> None:
    assert card_text(dossier("pending")).count(words) == 1


def test_only_the_strictest_rules_say_why_a_person_is_asked() -> None:
    text = card_text(finding(HITLLevel.HARD_APPROVAL, HITLLevel.SOFT_APPROVAL, HITLLevel.NOTIFY_ONLY))
    assert "Voice 0." in text
    assert [weaker for weaker in ("Voice 1.", "Voice 2.", "Notify only") if weaker in text] == []
    assert "2 weaker rules in Details." in text


def test_a_card_whose_rules_all_ask_for_the_same_level_counts_no_weaker_rule() -> None:
    assert "weaker" not in card_text(finding(HITLLevel.SOFT_APPROVAL, HITLLevel.SOFT_APPROVAL))


def test_many_strict_rules_are_counted_apart_from_the_weaker_ones() -> None:
    many = finding(*[HITLLevel.HARD_APPROVAL] * 6, HITLLevel.SOFT_APPROVAL)
    assert "2 more reasons and 1 weaker rule in Details." in card_text(many)


def test_approvals_so_far_are_shown_right_under_the_request() -> None:
    assert texts(card(dossier("one_of_two")).blocks[2]).startswith("So far: \n1 of 2 approvals: Senta Koch.")
