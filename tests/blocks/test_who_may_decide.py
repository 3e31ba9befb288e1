"""Every place that says who may decide names the same roles: the one that is asked, and those that the ladder keeps."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from blocks.card import notes
from blocks.card.card import card
from blocks.details.details import details_view
from blocks.kit.elements import Block
from blocks.words.dossier import Dossier
from blocks.words.outcome import outcome_sentence
from blocks.words.refusals import refusal_message
from blocks.words.verbs import meaning
from rules.reasons import Reason, refuse
from rules.state.commands import Defer, Verb
from tests.blocks.dossiers import STATES
from tests.blocks.reading import objects, unframed_text
from tests.rules.world import DAY, NOW, SUSI
from tests.rules.world import policy as changed_policy

OFF = changed_policy(tiers={"high": {"ladder_keeps": False}})
BOTH, ONE = "a supervisor or a senior reviewer", "a supervisor"
NO_ROLE = refuse(Reason.WRONG_ROLE, role="supervisor")


def _text(blocks: list[Block] | tuple[Block, ...]) -> str:
    return "\n".join(part["text"] for part in objects(blocks) if isinstance(part.get("text"), str))


PLACES: dict[str, Callable[[Dossier], str]] = {
    "card": lambda dossier: _text(card(dossier).blocks),
    "Details": lambda dossier: _text(details_view(dossier)["blocks"]),
    "reminder": lambda dossier: _text(notes.reminder(dossier).blocks),
    "refusal": lambda dossier: _text(refusal_message(NO_ROLE, dossier).blocks),
    "the meaning of Defer": lambda dossier: meaning(Verb.DEFER, dossier),
}


@pytest.mark.parametrize("place", PLACES)
def test_after_an_escalation_by_time_each_place_names_the_earlier_role_too(place: str) -> None:
    climbed = STATES["escalated_by_time"]().dossier(mentions=())
    assert BOTH in PLACES[place](climbed)


@pytest.mark.parametrize("place", PLACES)
def test_if_the_policy_no_longer_keeps_it_no_place_names_the_earlier_role_as_able(place: str) -> None:
    text = PLACES[place](STATES["escalated_by_time"]().under(OFF).dossier(mentions=()))
    assert ONE in text
    assert BOTH not in text


def test_a_deferred_package_comes_back_to_every_role_that_may_decide() -> None:
    deferred = STATES["escalated_by_time"]().then(Defer, SUSI, until=NOW + 3 * DAY)
    assert f"It comes back to {BOTH}" in outcome_sentence(deferred.dossier())


def test_details_say_which_role_is_asked_and_which_may_still_decide() -> None:
    text = unframed_text(details_view(STATES["escalated_by_time"]().dossier())["blocks"])
    assert (
        "Asked now: \nsupervisor\n (step 2 of: senior reviewer → supervisor → director). A senior reviewer may" in text
    )
    assert text.count("may still decide") == 1
