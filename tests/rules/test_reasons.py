"""Every reason has a sentence."""

from __future__ import annotations

import re
from string import Formatter

import pytest

from rules.reasons import Reason, Refusal, refuse
from rules.wording import either_of


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_a_sentence(reason: Reason) -> None:
    sentence = reason.sentence
    assert re.match(r"[A-Z{<]", sentence), "begins like a sentence, or with the one it is about"
    assert re.search(r"(\.|\{because\})$", sentence), "ends like one"
    assert len(sentence.split()) > 3


@pytest.mark.parametrize("reason", Reason)
def test_every_fact_in_a_sentence_has_a_plain_name(reason: Reason) -> None:
    names = [name for _, name, _, _ in Formatter().parse(reason.sentence) if name is not None]
    assert all(re.fullmatch(r"[a-z_]+", name) for name in names)


def test_no_two_reasons_have_the_same_sentence() -> None:
    assert len({reason.sentence for reason in Reason}) == len(Reason)


def test_a_refusal_states_its_facts() -> None:
    refusal = refuse(Reason.STALE_VERSION, seen=1, current=2)
    assert refusal == Refusal(reason=Reason.STALE_VERSION, facts={"seen": "1", "current": "2"})
    assert refusal.sentence == "Version 1 is out of date: the current version is 2. Look at the card again."


def test_a_sentence_has_the_role_in_plain_words_and_the_facts_have_its_name() -> None:
    refusal = refuse(Reason.WRONG_ROLE, role="senior_reviewer")
    assert refusal.sentence == "You need the senior reviewer role to decide this. A role that includes it will do."
    assert refusal.facts == {"role": "senior_reviewer"}


def test_a_role_has_the_right_article() -> None:
    refusal = refuse(Reason.OUT_OF_SCOPE, role="internal_auditor", action_type="send_notice")
    expected = "You are an internal auditor, but your role does not cover send_notice. Ask someone whose role does."
    assert refusal.sentence == expected
    ladder = refuse(Reason.NOT_ON_LADDER, role="on_call", ladder="senior_reviewer, area_director").sentence
    assert ladder == "This can only be escalated to: senior reviewer, area director."


@pytest.mark.parametrize(
    ("refusal", "sentence"),
    [
        (
            refuse(Reason.NOT_IN_THIS_STATE, status="pending", verb="report_execution"),
            "This package is pending now, so “report execution” is not possible. Look at its current state first.",
        ),
        (
            refuse(Reason.DECISION_NOT_ALLOWED, verb="approve_with_edits", decisions="reject, take_over"),
            "The agent does not accept “approve with edits” for this package. It accepts: reject, take over.",
        ),
        (
            refuse(Reason.MAY_NOT_PROCEED, status="taken_over"),
            "This package is taken over: it gives no permission to act.",
        ),
    ],
)
def test_a_sentence_has_statuses_and_verbs_in_plain_words(refusal: Refusal, sentence: str) -> None:
    assert refusal.sentence == sentence


@pytest.mark.parametrize(
    ("choices", "text"), [([], ""), (["a"], "a"), (["a", "b"], "a or b"), (["a", "b", "c"], "a, b or c")]
)
def test_choices_are_joined_as_people_say_them(choices: list[str], text: str) -> None:
    assert either_of(choices) == text


def test_a_missing_fact_does_not_break_the_sentence() -> None:
    assert "(no current)" in refuse(Reason.STALE_VERSION, seen=1).sentence


def test_braces_in_a_fact_are_only_text() -> None:
    assert "{current}" in refuse(Reason.STALE_VERSION, seen="{current}", current=2).sentence
