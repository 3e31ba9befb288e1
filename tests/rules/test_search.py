"""What the words of a search mean."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from rules.scales import RiskLevel
from rules.search import EVERYTHING, Search


@pytest.mark.parametrize(
    ("text", "search"),
    [
        ("", EVERYTHING),
        ("refund high", Search(risk=RiskLevel.HIGH, words=("refund",))),
        ("CRITICAL Refund", Search(risk=RiskLevel.CRITICAL, words=("refund",))),
        ("high low", Search(risk=RiskLevel.HIGH, words=("low",))),
        ("highly", Search(words=("highly",))),
    ],
)
def test_the_first_name_of_a_risk_means_that_risk(text: str, search: Search) -> None:
    assert Search.of_words(text.split()) == search


def test_every_word_has_to_be_in_some_text() -> None:
    search = Search(words=("Refund", "order"))
    assert search.matches_words(["refund_order", None])
    assert search.matches_words(["A REFUND", "of an order"])
    assert not search.matches_words(["A refund"])


def test_the_words_of_a_search_are_bounded_in_all() -> None:
    assert Search(words=("x" * 49, "y" * 50)).words
    with pytest.raises(ValidationError, match="at most 100 characters in all"):
        Search(words=("x" * 50, "y" * 50))


def test_the_name_of_a_risk_is_a_word_if_a_risk_is_given() -> None:
    assert Search.of_words(["high"], risk=RiskLevel.LOW) == Search(risk=RiskLevel.LOW, words=("high",))


@given(st.lists(st.text(max_size=9), max_size=9))
def test_any_typed_words_are_a_search_that_can_be_read_back(words: list[str]) -> None:
    search = Search.of_words(words)
    assert Search.model_validate_json(search.model_dump_json()) == search
