"""Which notes a card's thread gets, without delivering them."""

from __future__ import annotations

from playground.model.elements import visible_text
from rules.state.agent_commands import Say
from scheduler.cards.notes import notes_of
from tests.blocks.dossiers import Story


def test_many_messages_at_once_are_one_note_with_the_last_of_them() -> None:
    story = Story()
    for number in range(10):
        story = story.agent(Say, text=f"Part {number}.")
    [note] = notes_of(story.dossier(), after=1)
    shown = visible_text(note.message.blocks)
    assert note.revision == 11
    assert "7 earlier messages in Details." in shown
    assert [f"Part {number}." in shown for number in (6, 7, 8, 9)] == [False, True, True, True]


def test_only_messages_after_the_last_note_are_in_the_next_one() -> None:
    story = Story().agent(Say, text="One.").agent(Say, text="Two.")
    [note] = notes_of(story.dossier(), after=2)
    shown = visible_text(note.message.blocks)
    assert ("One." in shown, "Two." in shown) == (False, True)
