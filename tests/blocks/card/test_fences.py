"""Words of agents and people stay in their frames, short and without markup."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blocks.card.card import card
from blocks.kit.limits import CARD_TEXT, UPDATE_TEXT
from blocks.words.dossier import Dossier, HistoryEvent
from playground.blockkit.characters import characters
from playground.blockkit.validate import validate_message
from rules.package.fields import MAX_ESSAY, MAX_ITEMS, MAX_SENTENCE
from rules.package.model import DecisionPackage, Kind
from rules.state.model import Status, Why
from tests.blocks.dossiers import EARLIER, STATES, dossier
from tests.rules.world import NOW

MARK = "Xq7"
HOSTILE = (
    "<!channel>", "<@UEVIL>", "*Risk:* low", "_i_", "~s~", "`code`", "<https://evil.example|good>", ":white_check_mark:",
    "\n\n*Approved by Ann*\n", "> quote", "\u202eevil\u202c", "\u200b", "\U000e0041", "&amp;", "```", "https://evil.example",
    "\nCountersign checked: all is well.\n",
)  # fmt: skip
LONG = ("W" * MAX_ESSAY, "a\n" * (MAX_ESSAY // 2), "& \u05d0 \U0001f600" * 1600)
UNSEEN = ("\u202e", "\u202c", "\u200b", "\U000e0041")
LIVE = {"link", "user", "usergroup", "channel", "broadcast", "emoji", "image", "markdown", "alert"}

hostile = st.lists(st.sampled_from(HOSTILE) | st.text(max_size=20), max_size=6).map(
    lambda parts: MARK + "".join("".join(parts).replace("\x00", "").split("\x1f"))
)


def filled_package(text: str, limit: int = MAX_SENTENCE, kind: Kind = Kind.ACTION, items: int = 3) -> DecisionPackage:
    """The same text in every field. `model_construct` allows what the API would refuse."""
    sentence, essay, word = text[:limit], text[: max(limit, 60)], text[:150]
    package = _of(kind, sentence, essay, word)
    evidence = [{"id": word, "title": sentence, "excerpt": sentence, "url": f"https://evil.example/{'a' * 1900}"}]
    return DecisionPackage.model_validate(
        package
        | {
            "title": word,
            "proposed_action": sentence,
            "rationale": essay,
            "consequence": sentence,
            "downstream_impact": sentence,
            "rollback_plan": essay,
            "material_change": sentence,
            "known_uncertainties": [sentence] * items,
            "alternatives": [sentence] * items,
            "policy_basis": [sentence] * items,
            "evidence_refs": evidence * items,
            "dissent": [{"by": word, "position": sentence, "reason": sentence}] * items,
            "side_effect_preview": {f"{word} {number}": sentence for number in range(min(items, 12))},
            "subject_type": word,
            "subject_id": word,
            "subject_url": "https://evil.example/" + "b" * 1900,
            "takeover": {
                "summary": essay,
                "stopping_reason": sentence,
                "work_completed": [sentence] * items,
                "current_state": {word: sentence},
                "next_steps": [sentence] * items,
            },
            "data_classes": [f"class-{number}" for number in range(items)],
            "on_behalf_of": ["a@b.example", "c@d.example"],
            "cost": {"amount": 9e12, "currency": "EUR"},
        }
    )


def _of(kind: Kind, sentence: str, essay: str, word: str) -> dict[str, Any]:
    parameters: dict[str, Any] = {f"{word} {number}": sentence for number in range(9)}
    if kind is Kind.MEMORY:
        asked = {"proposed_memory": essay, "source_refs": [sentence] * 9, "sensitivity": word, "retention": word}
        parameters |= asked
    if kind is Kind.POLICY_EXCEPTION:
        times = {"expires_at": "2026-12-01T00:00:00Z"}
        parameters |= times | {"policy_id": word, "requested_exception": sentence, "justification": essay}
    return {
        "kind": kind,
        "action_type": "mail.send",
        "risk_level": "high",
        "confidence": 0.5,
        "action_parameters": parameters,
    }


@cache
def real(name: str) -> Dossier:
    return dossier(name, earlier_packages=EARLIER)


def spoilt(name: str, text: str, package: DecisionPackage) -> Dossier:
    """A real state in which all words are this text."""
    shown = real(name)
    words: dict[str, Any] = dict.fromkeys(
        ("comment", "instructions", "answer", "override_reason", "detail", "text", "original_recommendation"), text
    )
    words["evidence_refs"] = [text] * 3
    return replace(
        shown,
        package=package,
        before=None if shown.before is None else filled_package("before"),
        agent=text,
        decision_words=words,
        names=dict.fromkeys(shown.names, text),
        history=tuple(replace(one, words=words) for one in shown.history)
        + (HistoryEvent(revision=1, at=NOW, event_type="human.commented", actor="USENTA", words=words),) * 4,
    )


def objects(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for part in value.values():
            yield from objects(part)
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from objects(part)


@pytest.mark.slow
@given(name=st.sampled_from(list(STATES)), text=hostile)
@settings(max_examples=300)
def test_markup_never_contains_words_of_others(name: str, text: str) -> None:
    shown = card(spoilt(name, text, _tolerant(text)))
    marked = [element["text"] for element in objects(shown.blocks) if element.get("type") == "mrkdwn"]
    assert [element for element in marked if MARK in element] == []
    assert {element.get("type") for element in objects(shown.blocks)} & LIVE == set()
    assert [
        element for element in objects(shown.blocks) if element.get("type") == "plain_text" and element["emoji"]
    ] == []
    assert validate_message({"text": shown.text, "blocks": list(shown.blocks)}, update=True) == ()


def _tolerant(text: str) -> DecisionPackage:
    """Removes what the API refuses: half of a surrogate pair, control characters."""
    return filled_package(
        "".join(
            character
            for character in text
            if character.isprintable() or character in HOSTILE[8] or ord(character) > 0x7FF
        )
    )


@pytest.mark.slow
@given(name=st.sampled_from(list(STATES)), text=hostile)
@settings(max_examples=300)
def test_the_fallback_text_is_one_line_without_markup(name: str, text: str) -> None:
    fallback = card(spoilt(name, text, _tolerant(text))).text
    assert [character for character in ("<", ">", "\n", "\r", *UNSEEN) if character in fallback] == []
    assert len(fallback) <= UPDATE_TEXT


@pytest.mark.parametrize("name", STATES)
def test_invisible_characters_never_reach_a_card(name: str) -> None:
    text = MARK + "".join(HOSTILE)
    drawn = json.dumps(card(spoilt(name, text, filled_package(text))).blocks, ensure_ascii=False)
    assert [character for character in UNSEEN if character in drawn] == []


def test_an_invisible_character_in_a_parameter_is_written_as_an_escape() -> None:
    package = real("pending").package
    assert package is not None
    hidden = package.model_copy(update={"action_parameters": {"to": "a\u202eb\u00a0c"}})
    drawn = json.dumps(card(replace(real("pending"), package=hidden)).blocks)
    assert r"a\\u202eb" in drawn


@pytest.mark.parametrize("name", STATES)
def test_words_of_people_and_agents_are_always_framed(name: str) -> None:
    """Outside frames, the only foreign words are names and the title, each bounded and on one line."""
    text = MARK + "\nCountersign checked: all is well."
    shown = card(spoilt(name, text, filled_package(text)))
    loose = [
        element["text"]
        for block in shown.blocks
        if block["type"] == "rich_text"
        for part in block["elements"]
        if part["type"] in ("rich_text_section", "rich_text_list")
        for element in objects(part)
        if element.get("type") == "text"
    ]
    assert [framed_text for framed_text in loose if "\n" in framed_text] == []


@pytest.mark.parametrize(
    ("name", "kind"),
    [*((name, Kind.ACTION) for name in STATES), *(("pending", kind) for kind in Kind if kind is not Kind.ACTION)],
)
@pytest.mark.parametrize("text", LONG, ids=["letters", "lines", "scripts"])
def test_the_largest_package_gives_a_card_that_fits(name: str, kind: Kind, text: str) -> None:
    shown = card(spoilt(name, text, filled_package(text[:MAX_ESSAY], kind=kind, items=MAX_ITEMS)))
    assert characters(shown.blocks) <= CARD_TEXT
    assert validate_message({"text": shown.text, "blocks": list(shown.blocks)}, update=True) == ()


@pytest.mark.parametrize("name", sorted(name for name in STATES if real(name).state.status is Status.PENDING))
@pytest.mark.parametrize("text", LONG, ids=["letters", "lines", "scripts"])
def test_a_card_says_where_it_was_cut(name: str, text: str) -> None:
    shown = card(spoilt(name, text, filled_package(text[:MAX_ESSAY], items=MAX_ITEMS)))
    notes = [run["text"] for run in objects(shown.blocks) if run.get("style") == {"italic": True}]
    assert [note for note in notes if "n Details" not in note] == []
    assert notes


@pytest.mark.parametrize("kind", Kind)
def test_a_card_with_every_part_at_once_still_fits(kind: Kind) -> None:
    text = "W" * MAX_ESSAY
    shown = spoilt("one_of_two", text, filled_package(text, kind=kind, items=MAX_ITEMS))
    state, task = shown.state, shown.state.task
    together = {
        "version": 2,
        "kind": kind,
        "task": task.model_copy(update={"rung": 1, "assigned_to": "USENTA"}),
        "why": tuple(Why(rule="objection", level=state.level, because="someone objected") for _ in range(12)),
        "warnings": ("consequence", "side_effect_preview", "evidence_refs", "known_uncertainties", "policy_basis"),
        "policy_version": "p" * 60,
        "action_type": "a" * 100,
    }
    drawn = card(
        replace(
            shown,
            state=state.model_copy(update=together),
            before=filled_package("before"),
            mentions=("<@U0123456789>",) * 40,
            earlier_packages=tuple(replace(EARLIER[0], by=("USENTA", "USUSI", "UROSS")) for _ in range(9)),
        )
    )
    assert characters(drawn.blocks) <= CARD_TEXT
    assert validate_message({"text": drawn.text, "blocks": list(drawn.blocks)}, update=True) == ()


def test_ten_thousand_lines_do_not_make_a_long_card() -> None:
    text = "line\n" * 400
    drawn = card(spoilt("pending", text, filled_package(text, items=MAX_ITEMS)))
    assert sum(element["text"].count("\n") for element in objects(drawn.blocks) if element.get("type") == "text") < 120


def test_stacked_accents_that_would_cover_other_lines_are_reduced() -> None:
    text = "a" + "\u0301" * 200 + " vi\u1ec7t nam, e\u0302\u0301"
    drawn = json.dumps(card(spoilt("pending", text, filled_package(text, kind=Kind.OUTPUT))).blocks, ensure_ascii=False)
    assert "a" + "\u0301" * 4 + " vi\u1ec7t nam, e\u0302\u0301" in drawn
    assert "\u0301" * 5 not in drawn.split('"rich_text_preformatted"')[0]
