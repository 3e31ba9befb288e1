"""The id of a rendering depends on exactly what can be seen."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from blocks.card.card import card
from blocks.card.rendering import render
from blocks.kit.ids import Ref
from rules.state.commands import Comment
from rules.state.model import PackageState
from tests.blocks.dossiers import REFUSED, STATES, Story, dossier
from tests.rules.world import MINUTE, SENTA


@pytest.mark.parametrize("name", STATES)
def test_the_same_dossier_gives_the_same_rendering(name: str) -> None:
    assert render(dossier(name)) == render(dossier(name))
    assert re.fullmatch("rnd_[0-9a-f]{32}", render(dossier(name)).rendering_id)


@pytest.mark.parametrize("name", STATES)
def test_the_blocks_of_a_rendering_are_those_of_the_card_with_its_id(name: str) -> None:
    rendered = render(dossier(name))
    drawn = card(dossier(name, rendering_id=rendered.rendering_id))
    assert (rendered.text, rendered.blocks) == (drawn.text, drawn.blocks)


def test_each_state_has_a_rendering_of_its_own() -> None:
    assert len({render(dossier(name)).rendering_id for name in STATES}) == len(STATES)


def test_a_rendering_id_in_the_dossier_changes_nothing() -> None:
    assert render(dossier("pending", rendering_id="rnd_" + "0" * 32)) == render(dossier("pending"))


def _later(state: PackageState) -> PackageState:
    return state.model_copy(update={"task": state.task.model_copy(update={"due_at": state.task.due_at + MINUTE})})


@pytest.mark.parametrize(
    "changes",
    [
        {"agent": "Other"},
        {"mentions": ("<@USENTA>",)},
        {"earlier_packages": (REFUSED,)},
        {"names": {}},
        {"history": Story().then(Comment, SENTA, comment="Look again.").dossier().history},
        {"state": _later(dossier("pending").state)},
        {"package": None},
    ],
    ids=["agent", "mentions", "earlier_packages", "names", "history", "deadline", "package"],
)
def test_any_visible_difference_gives_another_id(changes: dict[str, Any]) -> None:
    shown = dossier("pending")
    assert render(replace(shown, **changes)).rendering_id != render(shown).rendering_id


def test_values_that_are_not_shown_do_not_change_the_id() -> None:
    shown = dossier("pending")
    unseen = shown.state.model_copy(update={"revision": 99, "updated_at": shown.state.updated_at + MINUTE})
    assert render(replace(shown, state=unseen)) == render(shown)


def test_a_button_says_what_its_reader_saw() -> None:
    rendered = render(dossier("pending"))
    assert Ref.read(rendered.blocks[-2]["elements"][0]["value"]) == Ref("pkg_1", 1, 0, rendered.rendering_id)
