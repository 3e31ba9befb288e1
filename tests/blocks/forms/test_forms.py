"""One form for each verb with inputs: valid in every state, always with the package it is about."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blocks.forms.fields import FIELD_BLOCKS
from blocks.forms.forms import away_form, form, notice_modal, read_metadata
from blocks.kit.ids import Field, Ref
from blocks.words.verbs import LOOKS, meaning
from playground.blockkit.validate import validate_view
from rules.package.model import DecisionPackage
from rules.scales import RiskLevel
from rules.state import commands
from rules.state.commands import Verb
from rules.verbs.trials import accepts_verb, offered_verbs
from tests.blocks.conftest import Golden
from tests.blocks.dossiers import STATES, Story, dossier, emptied_dossier
from tests.blocks.packages import hostile, largest
from tests.blocks.reading import framed_text, inputs, markup, of_type, unframed_text
from tests.rules.world import DAY, NOW

# The state in which each form is looked at.
SEEN_IN = {
    Verb.APPROVE: "pending_critical",
    Verb.ANSWER: "answered",
    Verb.OBJECT: "pending_soft",
    Verb.TAKE_OVER: "pending_takeover",
    Verb.WAKE: "deferred",
    Verb.REVOKE: "approved",
    Verb.HAND_BACK: "taken_over",
    Verb.ALLOW_RETRY: "lost_track",
    Verb.ASK_ROLLBACK: "failed",
    Verb.CLOSE: "failed",
    Verb.JUDGE: "consented",
}
FIELDS = {verb: look.fields for verb, look in LOOKS.items() if look.fields}
TAKEN = [
    pytest.param(verb, name, id=f"{verb}-{name}")
    for name, story in STATES.items()
    for state in [story().state]
    for verb in FIELDS
    if accepts_verb(state, verb)
]


def required_inputs(view: dict[str, Any]) -> set[str]:
    return {name for name, block in inputs(view).items() if not block["optional"]}


@pytest.mark.parametrize("verb", FIELDS)
def test_each_form_looks_as_it_did(verb: Verb, golden: Golden) -> None:
    golden(f"form_{verb}", form(verb, dossier(SEEN_IN.get(verb, "pending"))))


@pytest.mark.parametrize(("verb", "name"), TAKEN)
def test_a_form_is_valid_in_every_state_that_accepts_its_verb(verb: Verb, name: str) -> None:
    drawn = form(verb, dossier(name))
    assert validate_view(drawn) == ()
    assert all(len(drawn[part]["text"]) <= 24 for part in ("title", "close") if part in drawn)
    assert len(drawn.get("submit", {"text": ""})["text"]) <= 24


@pytest.mark.parametrize(("verb", "name"), TAKEN)
def test_a_form_of_an_emptied_package_is_valid(verb: Verb, name: str) -> None:
    assert validate_view(form(verb, emptied_dossier(name))) == ()


@pytest.mark.parametrize(("verb", "name"), TAKEN)
def test_a_form_says_which_package_it_is_about(verb: Verb, name: str) -> None:
    drawn = dossier(name)
    first = form(verb, drawn)["blocks"][:1]
    assert drawn.package
    assert drawn.package.title in framed_text(first)
    assert unframed_text(first).startswith(("Clerk asks", "Clerk asked"))
    assert ("version 2" in unframed_text(first)) == (drawn.state.version == 2)


@pytest.mark.parametrize(("verb", "name"), TAKEN)
def test_the_metadata_of_a_form_holds_its_verb_and_the_reference(verb: Verb, name: str) -> None:
    drawn = dossier(name, rendering_id=f"rnd_{'a' * 32}")
    view = form(verb, drawn)
    assert "submit" not in view or read_metadata(view["private_metadata"]) == (verb, drawn.ref)


@pytest.mark.parametrize("verb", FIELDS)
def test_a_form_has_the_inputs_of_its_look(verb: Verb) -> None:
    view = form(verb, dossier(SEEN_IN.get(verb, "pending")))
    optional = {Field.ANSWER_CHOICE, Field.ANSWER_DATA, Field.TAGS}
    left_out = {Field.CONFIRMED} if verb is Verb.APPROVE_WITH_EDITS else optional
    shown = [name.split(".")[0] for name in inputs(view)]
    assert list(dict.fromkeys(shown)) == [field.value for field in FIELDS[verb] if field not in left_out]
    assert [block["element"]["action_id"] for block in inputs(view).values()] == shown


def test_every_field_of_every_verb_has_an_input() -> None:
    everything = {verb for story in STATES.values() for verb in offered_verbs(story().state)} - {Verb.CLAIM_TASK}
    assert everything <= FIELDS.keys() == LOOKS.keys() - {Verb.CLAIM_TASK}
    several = {Field.PARAMETERS, Field.ANSWER_DATA}  # fields with a slot for each value
    assert {field for fields in FIELDS.values() for field in fields} == FIELD_BLOCKS.keys() | several
    assert all(meaning(verb, dossier("pending")) for verb in LOOKS)


@pytest.mark.parametrize(
    ("verb", "name", "asks_for"),
    [
        (Verb.APPROVE, "pending_soft", set()),
        (Verb.APPROVE, "pending_critical", {"comment", "confirmed"}),
        (Verb.REJECT, "pending", {"comment"}),
        (Verb.OBJECT, "pending_soft", set()),
        (Verb.REVISE, "pending", {"instructions"}),
        (Verb.REQUEST_MORE_EVIDENCE, "pending", {"instructions"}),
        (Verb.ESCALATE, "pending", {"to_role"}),
        (Verb.DEFER, "pending", {"until", "comment"}),
        (Verb.OVERRIDE, "pending", {"override_decision", "override_reason", "evidence_refs"}),
        (Verb.TAKE_OVER, "pending", set()),
        (Verb.ANSWER, "answered", {"answer"}),
        (Verb.RECUSE, "pending", set()),
        (Verb.COMMENT, "pending", {"comment", "audience"}),
        (Verb.ALLOW_RETRY, "failed", {"comment", "confirmed"}),
        (Verb.ALLOW_RETRY, "lost_track", {"comment", "confirmed"}),
        (Verb.ASK_ROLLBACK, "failed", set()),
        (Verb.CLOSE, "failed", set()),
        (Verb.EXTEND, "pending", {"until"}),
        (Verb.WAKE, "deferred", set()),
        (Verb.WITHDRAW, "pending", {"comment"}),
        (Verb.REVOKE, "approved", {"comment"}),
        (Verb.HAND_BACK, "taken_over", set()),
        (Verb.JUDGE, "consented", {"verdict"}),
    ],
)
def test_each_form_requires_the_right_inputs(verb: Verb, name: str, asks_for: set[str]) -> None:
    assert required_inputs(form(verb, dossier(name))) == asks_for


@pytest.mark.parametrize("verb", [Verb.APPROVE, Verb.APPROVE_WITH_EDITS])
def test_an_approval_needs_a_comment_if_the_policy_says_so(verb: Verb) -> None:
    drawn = dossier("pending_soft")
    strict = replace(drawn, terms=drawn.terms.model_copy(update={"comment_required": True}))
    assert "comment" not in required_inputs(form(verb, drawn))
    assert "comment" in required_inputs(form(verb, strict))


@pytest.mark.parametrize("risk", RiskLevel)
def test_a_grave_approval_confirms_its_consequence(risk: RiskLevel) -> None:
    drawn = Story().dossier()
    plain = drawn.terms.model_copy(update={"comment_required": False})
    at_risk = replace(drawn, state=drawn.state.model_copy(update={"risk": risk}), terms=plain)
    assert ("confirmed" in inputs(form(Verb.APPROVE, at_risk))) == (risk >= RiskLevel.HIGH)


def test_an_approval_shows_the_consequence_by_the_agent_and_by_the_service() -> None:
    view = form(Verb.APPROVE, dossier("pending_critical"))
    assert "A legal notice goes out, and the case moves to NOTIFIED." in framed_text(view)
    [tick] = inputs(view)["confirmed"]["element"]["options"]
    assert tick["description"]["text"] == "Critical risk. Irreversible, low impact"
    assert "to: legal@acme.example" in framed_text(view)


def test_the_confirmation_box_holds_the_digest_of_what_is_approved() -> None:
    drawn = dossier("pending")
    [tick] = inputs(form(Verb.APPROVE, drawn))["confirmed"]["element"]["options"]
    assert tick["value"] == drawn.state.action_digest


def test_an_escalation_offers_only_the_roles_further_up() -> None:
    options = inputs(form(Verb.ESCALATE, dossier("escalated")))["to_role"]["element"]["options"]
    assert [option["value"] for option in options] == ["director"]


def test_at_the_top_of_the_ladder_an_escalation_says_so() -> None:
    top = Story().then(commands.Escalate, "USENTA").then(commands.Escalate, "USUSI").dossier()
    view = form(Verb.ESCALATE, top)
    assert "Nobody is above a director, so this cannot be escalated." in unframed_text(view)
    assert "submit" not in view


def test_a_deferral_starts_from_what_the_policy_gives() -> None:
    at = inputs(form(Verb.DEFER, dossier("pending")))["until"]["element"]["initial_date_time"]
    assert at == int((NOW + DAY).timestamp())


def test_a_deadline_is_extended_from_the_current_one() -> None:
    drawn = dossier("pending")
    at = inputs(form(Verb.EXTEND, drawn))["until"]["element"]["initial_date_time"]
    assert at > drawn.state.task.due_at.timestamp()


def test_a_takeover_form_says_where_the_agent_stopped() -> None:
    shown = framed_text(form(Verb.TAKE_OVER, dossier("pending_takeover")))
    expected = ("two addresses are on file", "name different addresses", "Drafted notice 456", "notice-456", "Ask ACME")
    assert [part for part in expected if part not in shown] == []


def test_an_answer_has_its_question_above_it() -> None:
    assert "Is the one in Leeds or the one in York meant?" in framed_text(form(Verb.ANSWER, dossier("answered")))


@pytest.mark.slow
@given(hostile, st.sampled_from(sorted(FIELDS)))
def test_words_of_a_hostile_package_stay_framed_in_forms(proposal: DecisionPackage, verb: Verb) -> None:
    view = form(verb, Story(proposal).dossier())
    assert validate_view(view) == ()
    assert "ZQX" not in markup(view)
    assert "ZQX" not in unframed_text(view)
    assert of_type(view, "link", "image", "user", "usergroup", "channel", "broadcast") == []


@pytest.mark.parametrize("verb", FIELDS)
def test_a_form_for_a_package_of_200_kb_is_valid(verb: Verb) -> None:
    assert validate_view(form(verb, Story(largest()).dossier())) == ()


@pytest.mark.parametrize(
    "written",
    [
        "",
        "approve",
        "approve ",
        "approve pkg_1 1",
        "submit pkg_1 1 0 -",
        "claim_task pkg_1 1 0 -",
        "approve pkg_1 1 0 - x",
    ],
)
def test_metadata_that_is_not_exactly_ours_is_rejected(written: str) -> None:
    assert read_metadata(written) is None


def test_metadata_can_be_parsed_again() -> None:
    assert read_metadata("approve pkg_1 2 0 -") == (Verb.APPROVE, Ref("pkg_1", 2, 0))


def test_a_notice_has_no_inputs(golden: Golden) -> None:
    view = notice_modal("Already decided", "This is already approved by <@USENTA>; nothing was changed.")
    golden("form_notice", view)
    assert validate_view(view) == ()
    assert [element["user_id"] for element in of_type(view, "user")] == ["USENTA"]
    assert "submit" not in view


def test_the_away_form_looks_as_it_did(golden: Golden) -> None:
    view = away_form()
    golden("form_away", view)
    assert validate_view(view) == ()
    assert required_inputs(view) == {"until"}
