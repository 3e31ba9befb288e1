"""A text that has changed is shown as people read it, whole on both sides, with the words that differ marked."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blocks.kit.changes import change_in_full
from blocks.kit.elements import Block, Run
from blocks.kit.limits import TEXT
from blocks.kit.marked_texts import marked_texts
from rules.package.diff import Change, ChangeKind
from rules.package.layout import lines_of_text


def sides(before: Any, after: Any) -> list[Block]:
    """The blocks of the two sides of a change."""
    return [*change_in_full(Change("action_parameters.body", before, after, ChangeKind.CHANGED))][1:]


def text_of(runs: list[Run]) -> str:
    return "".join(run if isinstance(run, str) else run["text"] for run in runs)


def styled(runs: list[Run], style: str) -> list[str]:
    return [run["text"].strip() for run in runs if not isinstance(run, str) and run["style"] == {style: True}]


BEFORE = 'Dear Anna,\n\nwe refund "order 456" today.\nRegards'
AFTER = 'Dear Anna,\n\nwe refund "order 456" tomorrow, in full.\nRegards'


def test_a_changed_text_is_shown_with_its_lines_and_quotation_marks_as_people_read_them() -> None:
    before, after = sides(BEFORE, AFTER)
    assert [part["type"] for part in before["elements"]] == ["rich_text_section", "rich_text_quote"]
    assert text_of(before["elements"][1]["elements"]) == BEFORE
    assert text_of(after["elements"][1]["elements"]) == AFTER


def test_removed_words_are_struck_out_and_new_words_are_bold() -> None:
    before, after = marked_texts(BEFORE, AFTER)
    assert styled(before, "strike") == ["today."]
    assert styled(after, "bold") == ["tomorrow, in full."]


@pytest.mark.parametrize(
    ("before", "after"),
    [("pay  now", "pay now"), ("pay now\n", "pay now"), ("", "pay now"), ("456", 456), (["a"], "a")],
    ids=["spaces", "an empty line", "empty", "another type", "a list"],
)
def test_a_difference_that_a_text_cannot_show_is_shown_as_exact_json(before: Any, after: Any) -> None:
    frames = [part["type"] for block in sides(before, after) for part in block["elements"]]
    assert frames == ["rich_text_section", "rich_text_preformatted"] * 2


words = st.lists(st.sampled_from(["pay", "now", "\n", " ", "\u200b", "order 456", "x" * 40, "\\", "é"]), min_size=1)
texts = words.map("".join)


@given(texts, texts)
def test_both_sides_are_whole_and_what_is_not_marked_is_in_both(before: str, after: str) -> None:
    one, other = ("\n".join(lines_of_text(text)) for text in (before, after))
    old, new = marked_texts(one, other)
    assert (text_of(old), text_of(new)) == (one, other)
    assert "".join(run for run in old if isinstance(run, str)) == "".join(run for run in new if isinstance(run, str))


@pytest.mark.parametrize("word", ["a ", "a b ", "a\n"])
def test_the_longest_texts_are_compared_with_bounded_effort_and_fit_into_blocks(word: str) -> None:
    length = 100_000 // len(word)
    blocks = sides(word * length + "end", word[::-1] * length + "other")
    parts = [block["elements"][1]["elements"] for block in blocks]
    assert max(len(text_of([*part])) for part in parts) <= TEXT
    assert sum(len(run["text"]) for part in parts for run in part) > 199_000
