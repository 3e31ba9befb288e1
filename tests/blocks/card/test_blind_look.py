"""The card while an approval is judged blindly: for everyone in a channel, and for the one who judges."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from blocks.card.blindness import seen_by
from blocks.card.card import card
from blocks.details.details import details_view
from blocks.home.home import HomeData, home_view
from blocks.words.dossier import Dossier
from rules.state.decisions import BlindLook
from tests.blocks.card.test_card import payload
from tests.blocks.conftest import Golden
from tests.blocks.dossiers import dossier
from tests.blocks.home.test_home import URGENT
from tests.rules.world import NOW, SVEN

UNTIL = NOW + timedelta(days=3)


def looked_at(viewer: str | None) -> Dossier:
    approved = dossier("approved")
    look = BlindLook(judge=SVEN, of=("USENTA",), until=UNTIL)
    return seen_by(replace(approved, state=approved.state.model_copy(update={"look": look, "sampled": True})), viewer)


@pytest.mark.parametrize(("viewer", "name"), [(None, "everyone"), (SVEN, "judge")])
def test_the_card_looks_as_it_did(viewer: str | None, name: str, golden: Golden) -> None:
    golden(f"card_look_{name}", payload(card(looked_at(viewer))))


def test_the_text_shows_the_title_as_it_is_with_one_sign_at_its_end() -> None:
    seen = looked_at(None)
    assert seen.package
    shouted = replace(seen, package=seen.package.model_copy(update={"title": "stop the pump!"}))
    assert card(shouted).text.startswith("Decided: stop the pump! People have decided this")


def test_details_of_the_judge_look_as_they_did(golden: Golden) -> None:
    golden("details_look", details_view(looked_at(SVEN)))


def test_home_with_a_look_looks_as_it_did(golden: Golden) -> None:
    look = replace(URGENT, look_until=UNTIL, offered=(), missing=None)
    golden("home_look", home_view(HomeData(name="Sven Dahl", looks=(look,))))
