"""The look of a catalogue entry lays out the parameters, and stays with the version that came in under it."""

from __future__ import annotations

from typing import Any

import pytest

from blocks.card.card import card
from blocks.card.rendering import render
from blocks.details.details import details_view
from blocks.forms.forms import form
from rules.state.agent_commands import NewVersion
from rules.state.commands import Verb
from tests.blocks.reading import framed_text
from tests.blocks.story import Story
from tests.rules.world import package, policy

MAIL: dict[str, Any] = {
    "title": "Answer Ms Lane",
    "action_type": "mail.send",
    "action_parameters": {"recipient": "lane@acme.example", "message": "Dear Ms Lane,\n\nHello.", "copies": 1},
    "confidence": 0.6,
}
PLAIN = policy()
LOOKS_LIKE_MAIL = policy(actions={"mail.send": {"look": "email"}})
READ, RAW = "Recipient: lane@acme.example", "recipient: lane@acme.example"


def shown_by(story: Story) -> list[str]:
    dossier = story.dossier()
    views = (details_view(dossier), form(Verb.APPROVE, dossier))
    return [framed_text(card(dossier).blocks), *(framed_text(view["blocks"]) for view in views)]


def test_the_card_details_and_the_form_show_an_entry_with_this_look_as_an_email() -> None:
    for text in shown_by(Story(MAIL, policy=LOOKS_LIKE_MAIL)):
        assert READ in text
        assert "Dear Ms Lane,\n\nHello." in text
        assert "copies: 1" in text


def test_without_the_look_these_parameters_are_shown_by_their_keys() -> None:
    for text in shown_by(Story(MAIL, policy=PLAIN)):
        assert RAW in text


@pytest.mark.parametrize(("before", "after"), [(PLAIN, LOOKS_LIKE_MAIL), (LOOKS_LIKE_MAIL, PLAIN)])
def test_a_later_policy_does_not_lay_out_a_waiting_package_anew(before: Any, after: Any) -> None:
    unchanged = render(Story(MAIL, policy=before).dossier()).rendering_id
    assert render(Story(MAIL, policy=before).under(after).dossier()).rendering_id == unchanged


def test_a_new_version_has_the_look_of_the_policy_under_which_it_comes_in() -> None:
    story = Story(MAIL, policy=PLAIN).under(LOOKS_LIKE_MAIL)
    newer = story.agent(NewVersion, package=package(**MAIL | {"rationale": "She asked again."}))
    for text in shown_by(newer):
        assert READ in text
