"""The notes in a card's thread: one per event, with mentions only if someone must act."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from blocks.card import notes
from blocks.kit.message import Message
from blocks.words.dossier import Dossier, HistoryEvent
from blocks.words.revision import changes
from playground.blockkit.validate import validate_message
from rules.state.events import Cause, EventType
from tests.blocks.card.test_card import TERMINAL, payload, texts
from tests.blocks.conftest import Golden
from tests.blocks.dossiers import STATES, dossier
from tests.blocks.reading import framed_text
from tests.rules.world import NOW, SENTA, SVEN, package

NOTES: list[tuple[str, Callable[[Dossier], Message], str]] = [
    ("escalated", notes.escalation, "escalated"),
    ("escalated_by_time", notes.escalation, "escalated_by_time"),
    ("reminded", notes.reminder, "pending"),
    ("handed_over", notes.assignment, "handed_over"),
    ("reminded_of_a_soft_one", notes.reminder, "pending_soft"),
    ("hardened", notes.silence_stopped, "objected"),
    ("decided", notes.decision, "approved"),
    ("decided_by_quorum", notes.decision, "approved_by_quorum"),
    ("decided_by_time", notes.decision, "expired"),
    ("unused", notes.unused_approval, "approved"),
    ("new_version", notes.new_version, "second_version"),
    ("edited_version", notes.new_version, "edited_version"),
    ("taken_over", notes.taken_over, "taken_over"),
    ("handed_back", notes.hand_back, "handed_back"),
]
CALLING = [notes.escalation, notes.silence_stopped, notes.reminder, notes.new_version]
ASSIGNED = [
    (Cause.ABSENT, SVEN, "The person who had taken this up is away. It goes to Sven Dahl."),
    (Cause.ABSENT, None, "The person who had taken this up is away. It goes to everyone who may decide."),
    (Cause.BACK, SENTA, "Senta Koch is back and has this again."),
    (None, SVEN, "Countersign assigned this to Sven Dahl."),
]


@pytest.mark.parametrize(("name", "write", "state"), NOTES, ids=[name for name, *_ in NOTES])
def test_each_note_looks_as_it_did(name: str, write: Callable[[Dossier], Message], state: str, golden: Golden) -> None:
    written = payload(write(dossier(state)))
    golden(f"note_{name}", written)
    assert validate_message(written) == ()


@pytest.mark.parametrize(("reason", "assignee", "text"), ASSIGNED)
def test_a_note_of_an_assignment_says_why_someone_else_has_the_task(
    reason: Cause | None, assignee: str | None, text: str
) -> None:
    event = HistoryEvent(
        revision=2, at=NOW, event_type=EventType.TASK_ASSIGNED, actor="auto", assignee=assignee, reason=reason
    )
    assert text in texts(list(notes.assignment(dossier("pending", history=(event,))).blocks))


def both_sides(before: str, after: str, side: int) -> list[str]:
    """What a reviewer sees of a text before and after a change."""
    was, now = (package(consequence=text) for text in (before, after))
    frame = framed_text(list(changes(replace(dossier("second_version"), before=was, package=now), side)))
    return frame.removeprefix("• consequence: ").split(" → ")


LONG = "The appellant is told in writing that an answer has to reach the agency within {} days of the day of delivery."


@pytest.mark.parametrize("side", [12, 24, 60])
def test_for_two_long_texts_that_begin_alike_the_differing_part_is_shown(side: int) -> None:
    before, after = both_sides(LONG.format(14), LONG.format(21), side)
    assert ("14" in before, "21" in after) == (True, True)
    assert (len(before) <= side, len(after) <= side) == (True, True)


def test_a_difference_is_shown_with_some_words_of_context() -> None:
    text = both_sides(LONG.format(14), LONG.format(21), 60)
    assert text == ['"…within 14 days of the…"', '"…within 21 days of the…"']


quoting = st.lists(st.text('a"\\', min_size=1, max_size=9), min_size=1, max_size=30).map(" ".join)


@given(quoting, quoting, st.sampled_from([12, 24, 60]))
def test_quotation_marks_stand_in_pairs_around_what_is_shown(before: str, after: str, side: int) -> None:
    assume(before != after)
    for shown in both_sides(f"c{before}c", f"c{after}c", side):
        assert shown[0] == shown[-1] == '"'
        assert re.fullmatch(r'(?:[^"\\]|\\.)*\\?', shown[1:-1].replace("…", ""))


sentences = st.lists(st.text("ab\u202e", min_size=1, max_size=9), max_size=30).map(" ".join)


@pytest.mark.slow
@given(sentences, sentences, sentences, st.sampled_from([12, 24, 60]))
def test_two_different_texts_never_look_the_same(shared: str, before: str, after: str, side: int) -> None:
    assume(before != after)
    one, other = both_sides(f"c{shared}{before}{shared}c", f"c{shared}{after}{shared}c", side)
    assert one != other


@pytest.mark.parametrize("write", CALLING)
def test_the_people_who_are_asked_are_mentioned(write: Callable[[Dossier], Message]) -> None:
    assert "<!subteam^SREVIEW>" in texts(list(write(dossier("escalated")).blocks))


def test_voters_whose_approval_was_withdrawn_are_mentioned() -> None:
    assert "<@USENTA>: your approval was not used." in texts(list(notes.decision(dossier("revoked_at_claim")).blocks))


@pytest.mark.parametrize("name", [name for name in TERMINAL if name != "revoked_at_claim"])
def test_a_decision_note_mentions_nobody(name: str) -> None:
    written = payload(notes.decision(dossier(name)))
    assert "<" not in texts(written["blocks"])
    assert validate_message(written) == ()


def test_a_decision_note_says_who_decided_and_why() -> None:
    text = texts(list(notes.decision(dossier("rejected")).blocks))
    assert "Senta Koch (senior reviewer) rejected this after 1 minute." in text
    assert "The May record excuses the first date." in text


@pytest.mark.parametrize("name", STATES)
def test_a_note_without_mentions_needs_no_people(name: str) -> None:
    assert validate_message(payload(notes.reminder(dossier(name, mentions=())))) == ()


def test_the_text_of_a_note_begins_with_the_title() -> None:
    assert notes.reminder(dossier("pending")).text == (
        "Send the enforcement notice to ACME Ltd: This still waits for a senior reviewer, until 2026-11-21 12:00 UTC."
        " If nobody decides, a supervisor is asked."
    )
