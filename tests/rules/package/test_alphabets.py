"""Words that mix similar alphabets are found in the names that reviewers rely on."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.package.alphabets import MixedName, alphabets_mixed_in, mixed_alphabets
from tests.rules.world import package

AMOUNT = "am\u043eunt"  # with a Cyrillic o


@pytest.mark.parametrize(
    ("name", "mixed"),
    [
        pytest.param(AMOUNT, ("Cyrillic", "Latin"), id="a Cyrillic letter in a Latin word"),
        pytest.param("\u03bfrder", ("Greek", "Latin"), id="a Greek letter in a Latin word"),
        pytest.param("\u0430\u03b1", ("Cyrillic", "Greek"), id="two alphabets, neither of them Latin"),
        pytest.param("pay_am\u043eunt_eur", ("Cyrillic", "Latin"), id="one word of several"),
        pytest.param("amo\u200b\u0443nt", ("Cyrillic", "Latin"), id="an invisible character between them"),
        pytest.param("pa\u04432pal", ("Cyrillic", "Latin"), id="a digit between them"),
        pytest.param("billing@p\u0430ypal.com", ("Cyrillic", "Latin"), id="an address"),
        pytest.param("https://xn--pypal-4ve.com/login", ("Cyrillic", "Latin"), id="an address in punycode"),
        pytest.param("\uff41\u043e", ("Cyrillic", "Latin"), id="a full-width letter"),
    ],
)
def test_a_word_that_mixes_similar_alphabets_is_found(name: str, mixed: tuple[str, ...]) -> None:
    assert alphabets_mixed_in(name) == mixed


@pytest.mark.parametrize(
    "name",
    [
        "amount",
        "r\u00e9sum\u00e9",
        "\u0441\u0443\u043c\u043c\u0430",
        "user_\u0438\u043c\u044f",
        "\u6771\u4eac\u30bf\u30ef\u30fcTower",
        "T\u30b7\u30e3\u30c4",
        "\u5f20\u4f1fWei",
        "\uc11c\uc6b8Seoul",
        "10\u00b5g",
        "mail@xn--mnchen-3ya.de",
        "xn--\u00e9",
        "",
    ],
)
def test_scripts_that_are_normally_written_together_are_not_reported(name: str) -> None:
    assert alphabets_mixed_in(name) == ()


@pytest.mark.parametrize(
    ("fields", "where", "name"),
    [
        pytest.param({"action_parameters": {AMOUNT: 1}}, "key", AMOUNT, id="a key"),
        pytest.param({"action_parameters": {"a": [{"b": {AMOUNT: 1}}]}}, "key", AMOUNT, id="a key deep inside"),
        pytest.param({"action_parameters": {"to": [f"x@{AMOUNT}.com"]}}, "address", f"x@{AMOUNT}.com", id="an address"),
        pytest.param({"subject_type": AMOUNT, "subject_id": "1"}, "subject", AMOUNT, id="the subject's type"),
        pytest.param({"subject_id": AMOUNT}, "subject", AMOUNT, id="the subject"),
    ],
)
def test_a_fault_states_its_place(fields: dict[str, Any], where: str, name: str) -> None:
    assert mixed_alphabets(package(**fields)) == (MixedName(where, name, ("Cyrillic", "Latin")),)


def test_prose_is_not_searched() -> None:
    assert mixed_alphabets(package(action_parameters={"text": f"The {AMOUNT} is due."})) == ()


@given(st.text(st.characters(categories=["L", "N"]), max_size=20), st.sampled_from(["a", "\u0430", "\u03b1"]))
def test_a_word_in_one_alphabet_is_never_found(text: str, letter: str) -> None:
    assert alphabets_mixed_in(letter * len(text)) == ()
