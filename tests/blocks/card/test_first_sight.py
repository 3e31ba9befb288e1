"""What a phone shows of a pending card without scrolling, and what is therefore not repeated below."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from blocks.card.card import card
from blocks.words.dossier import Dossier
from rules.package.model import Cost
from rules.scales import HITLLevel
from rules.state.model import Why
from tests.blocks.card.test_card import PENDING, card_text, plain_lines
from tests.blocks.dossiers import STATES, Story, dossier, emptied_dossier


def stakes(shown: Dossier) -> str:
    """The line that says why a person is asked and what is at stake."""
    return next(line for line in plain_lines(card(shown).blocks[1]) if line.startswith("Why you: "))


def proposing(**changes: Any) -> Dossier:
    shown = dossier("pending")
    assert shown.package is not None
    return replace(shown, package=shown.package.model_copy(update=changes))


def finding(*levels: HITLLevel) -> Dossier:
    """A pending card whose rules asked for these levels."""
    shown = dossier("pending")
    why = tuple(Why(rule="rule", level=level, because=f"voice {number}") for number, level in enumerate(levels))
    return replace(shown, state=shown.state.model_copy(update={"why": why}))


@pytest.mark.parametrize("name", sorted(set(PENDING) - {"pending_takeover"}))
def test_stakes_are_shown_beside_the_reason(name: str) -> None:
    assert "rreversible" in stakes(dossier(name)) or "partly reversible" in stakes(dossier(name))


def test_pii_is_an_abbreviation_in_the_reason() -> None:
    shown = dossier("pending")
    why = Why(rule="irreversible-sensitive", level=HITLLevel.HARD_APPROVAL, because="irreversible, with pii data")
    state = shown.state.model_copy(update={"why": (why,)})
    assert "irreversible, with PII data · low impact" in stakes(replace(shown, state=state))


@pytest.mark.parametrize("name", sorted(set(STATES) - set(PENDING)))
def test_a_card_that_asks_nobody_shows_no_stakes(name: str) -> None:
    assert [words for words in ("Why you", "confidence", "12.50 EUR") if words in card_text(dossier(name))] == []


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
    assert stakes(proposing(cost=cost)).endswith(f" · cost {text}")


def test_without_a_cost_none_is_shown() -> None:
    assert "cost" not in stakes(proposing(cost=None))


@pytest.mark.parametrize(("confidence", "text"), [(0.82, "82%"), (0.996, "99%"), (1.0, "100%"), (0, "0%")])
def test_the_agents_confidence_is_a_percentage_that_is_never_rounded_up(confidence: float, text: str) -> None:
    assert f"Confidence: \n{text}" in card_text(proposing(confidence=confidence))


def test_reversibility_is_still_shown_when_the_content_was_removed() -> None:
    assert stakes(emptied_dossier("pending")).endswith(" · irreversible, low impact")


@pytest.mark.parametrize("words", ["rreversible", "12.50 EUR", "82%", "case ACME-17"])
def test_a_fact_is_shown_once(words: str) -> None:
    assert card_text(dossier("pending")).count(words) == 1


def test_a_description_that_repeats_the_title_is_left_out() -> None:
    title = "Send the enforcement notice to ACME Ltd"
    assert card_text(proposing(proposed_action=f"{title}.")).count(title) == 1
    assert "Something else" in card_text(proposing(proposed_action="Something else.", consequence=None))


def test_one_rule_says_why_a_person_is_asked_and_it_asks_for_the_strictest_level() -> None:
    line = stakes(finding(HITLLevel.SOFT_APPROVAL, HITLLevel.HARD_APPROVAL, HITLLevel.NOTIFY_ONLY))
    assert line.startswith("Why you: voice 1 · irreversible")


@pytest.mark.parametrize(
    ("rule", "sentence"),
    [
        ("earlier-no", "someone said no before"),  # the line above it says who, and to what
        ("outsider", "this one"),
        ("cost", "this one"),
        ("irreversible-sensitive", "this one"),
        ("tool-requirement", "this one"),
    ],
)
def test_of_equally_strict_rules_the_one_that_tells_most_is_named(rule: str, sentence: str) -> None:
    shown = finding(HITLLevel.HARD_APPROVAL)
    telling = Why(rule=rule, level=HITLLevel.HARD_APPROVAL, because="this one")
    why = (*shown.state.why, telling, *shown.state.why)
    assert stakes(replace(shown, state=shown.state.model_copy(update={"why": why}))).startswith(f"Why you: {sentence}")


def test_an_action_type_that_is_not_in_the_policy_is_said_to_be_treated_as_irreversible() -> None:
    unlisted = Story({"action_type": "mystery.do", "title": "Do it"}).dossier()
    assert stakes(unlisted).startswith("Why you: not in your policy: treated as irreversible")


def test_approvals_so_far_are_shown_under_the_deadline() -> None:
    lines = plain_lines(card(dossier("one_of_two")).blocks[1])
    assert " · decide by " in lines[0]
    assert lines[1] == "1 of 2 approvals: Senta Koch. Still needed: 1 supervisor. Open Details before you approve."


def test_a_card_whose_approval_may_be_judged_blindly_counts_approvals_without_names() -> None:
    lines = plain_lines(card(replace(dossier("one_of_two"), hides_voters=True)).blocks[1])
    assert lines[1] == "1 of 2 approvals. Still needed: 1 supervisor. Open Details before you approve."


def test_nor_does_it_name_who_wrote_the_comment_of_an_approval() -> None:
    shown = json.dumps(card(replace(dossier("one_of_two"), hides_voters=True)).blocks)
    named = json.dumps(card(dossier("one_of_two")).blocks)
    assert "Senta Koch" in named
    assert "Senta Koch" not in shown
