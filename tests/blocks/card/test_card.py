"""The card in every state and of every kind: its content, its buttons and their order."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from blocks.card.card import card
from blocks.kit.ids import ActionId, Ref
from blocks.kit.message import Message
from blocks.words.dossier import Dossier
from playground.blockkit.validate import validate_message
from rules.scales import HITLLevel
from rules.state.commands import Verb
from rules.state.model import Status
from tests.blocks.conftest import Golden
from tests.blocks.dossiers import EARLIER, KINDS, REFUSED, STATES, dossier, emptied_dossier, of_kind

PENDING = [name for name in STATES if STATES[name]().state.status is Status.PENDING]
TERMINAL = [name for name in STATES if STATES[name]().state.status.terminal]


def payload(message: Message) -> dict[str, Any]:
    return {"text": message.text, "blocks": list(message.blocks)}


def controls(message: Message) -> list[dict[str, Any]]:
    return [element for block in message.blocks if block["type"] == "actions" for element in block["elements"]]


def labels(message: Message) -> list[str]:
    return [element["text"]["text"] for element in controls(message) if element["type"] == "button"]


def options(message: Message) -> list[dict[str, Any]]:
    return [option for element in controls(message) for option in element.get("options", [])]


def choices(message: Message) -> list[str]:
    return [option["text"]["text"] for option in options(message)]


def texts(value: Any) -> str:
    """All its text, in order."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return "\n".join(texts(value[key]) for key in ("text", "fields", "elements", "accessory") if key in value)
    return "\n".join(texts(part) for part in value)


def card_text(shown: Dossier) -> str:
    return texts(list(card(shown).blocks))


def header(name: str) -> str:
    return str(card(dossier(name)).blocks[0]["text"]["text"])


@pytest.mark.parametrize("name", STATES)
def test_each_state_looks_as_it_did(name: str, golden: Golden) -> None:
    golden(f"card_{name}", payload(card(dossier(name))))


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_looks_as_it_did(kind: str, golden: Golden) -> None:
    golden(f"card_kind_{kind}", payload(card(of_kind(kind, earlier_packages=EARLIER))))


@pytest.mark.parametrize("name", ["pending", "approved", "rejected"])
def test_a_card_whose_content_was_removed_says_so(name: str, golden: Golden) -> None:
    shown = card(emptied_dossier(name))
    golden(f"card_emptied_{name}", payload(shown))
    assert "content was deleted" in texts(list(shown.blocks))


@pytest.mark.parametrize("name", STATES)
def test_slack_takes_every_card_as_a_post_and_as_an_update(name: str) -> None:
    shown = payload(card(dossier(name, earlier_packages=EARLIER)))
    assert validate_message(shown) == validate_message(shown, update=True) == ()


def test_the_first_line_says_the_request_and_the_risk() -> None:
    assert header("pending") == "🔴 Send the enforcement notice to ACME Ltd · high risk"


@pytest.mark.parametrize(
    ("name", "outcome"),
    [
        ("approved", "Approved, not carried out yet"),
        ("approved_with_edits", "Approved with edits, not carried out yet"),
        ("answered", "Answered"),
        ("notified", "Approved by policy, not carried out yet"),
        ("consented", "Nobody objected, not carried out yet"),
        ("overridden_proceed", "Overridden: go ahead, not carried out yet"),
        ("overridden_stop", "Overridden: stop"),
        ("overridden_other", "Overridden: do something else"),
        ("rejected", "Rejected"),
        ("taken_over", "Taken over"),
        ("handed_back", "Taken over, handed back"),
        ("expired", "Expired"),
        ("withdrawn", "Withdrawn"),
        ("cancelled_by_time", "Cancelled"),
        ("revoked", "Approval revoked"),
        ("revoked_at_claim", "Approval revoked"),
        ("claimed", "Approved, being carried out"),
        ("succeeded", "Approved, carried out"),
        ("failed", "Approved, but it failed"),
        ("rolled_back", "Approved, then rolled back"),
        ("lapsed", "Approved, not used in time"),
        ("lost_track", "Approved, outcome unknown"),
        ("deferred", "Deferred"),
        ("revision_requested", "Changes requested"),
        ("evidence_requested", "Evidence requested"),
    ],
)
def test_the_first_line_of_a_decided_card_ends_with_the_outcome(name: str, outcome: str) -> None:
    assert header(name).endswith(f" · {outcome[0].lower()}{outcome[1:]}")
    assert card(dossier(name)).text.startswith(f"{outcome.removesuffix(', not carried out yet')}: ")


def test_an_approval_that_no_longer_counts_says_who_gave_it_and_why_it_ended() -> None:
    assert card(dossier("revoked_at_claim")).text.endswith(
        "This approval was withdrawn when Clerk tried to use it."
        " The approval of senta no longer counts: they no longer have the role."
    )


def test_the_notification_text_says_who_asks_whom_until_when_and_what_to_do() -> None:
    assert card(dossier("pending")).text == (
        "High risk: Send the enforcement notice to ACME Ltd."
        " Clerk asks a senior reviewer, for Rose Miller."
        " By 2026-11-21 12:00 UTC, then a supervisor is asked."
        " Open Details to read it, or choose: Approve, Reject, Revise, Escalate."
    )


def test_the_buttons_of_a_hard_card_and_their_order() -> None:
    shown = card(dossier("pending"))
    assert labels(shown) == ["Approve", "Reject", "Revise", "Escalate", "Details"]
    assert choices(shown) == ["Request evidence", "Defer", "Override", "Take over", "Recuse"]


def test_a_soft_card_can_also_be_objected_to() -> None:
    assert labels(card(dossier("pending_soft"))) == ["Approve", "Reject", "Revise", "Escalate", "Object", "Details"]


def test_a_question_is_answered_and_not_approved() -> None:
    shown = card(of_kind("question"))
    assert labels(shown)[0] == "Answer"
    assert "Approve" not in labels(shown)
    assert "Override" not in choices(shown)


def test_a_card_at_the_takeover_level_has_no_approve_button() -> None:
    shown = card(dossier("pending_takeover"))
    assert labels(shown) == ["Take over", "Reject", "Revise", "Escalate", "Details"]
    assert choices(shown) == ["Request evidence", "Defer", "Recuse"]


ANSWERS_TO_A_FAILURE = {
    "failed": ["Allow a retry", "Ask for rollback", "Close"],
    "lost_track": ["Allow a retry", "Ask for rollback", "Close"],
    "rolled_back": ["Allow a retry", "Close"],
}


@pytest.mark.parametrize("name", TERMINAL)
def test_a_decided_card_has_details_and_after_a_failure_what_people_can_do_about_it(name: str) -> None:
    answers = ANSWERS_TO_A_FAILURE.get(name, [])
    assert labels(card(dossier(name))) == [*answers, "Details"]


@pytest.mark.parametrize("name", ["evidence_requested", "revision_requested"])
def test_a_menu_with_a_single_item_is_a_button(name: str) -> None:
    """For a takeover, Take over is a button already, and only Recuse is left."""
    waiting = dossier(name)
    takeover = replace(waiting, state=waiting.state.model_copy(update={"level": HITLLevel.HUMAN_TAKEOVER}))
    assert options(card(takeover)) == []
    assert labels(card(takeover))[-2:] == ["Details", "Recuse"]


@pytest.mark.parametrize("name", STATES)
def test_every_card_has_details_among_its_buttons(name: str) -> None:
    (details,) = [element for element in controls(card(dossier(name))) if element.get("action_id") == ActionId.DETAILS]
    assert details["text"]["text"] == "Details"


@pytest.mark.parametrize("name", STATES)
def test_only_what_is_offered_can_be_clicked(name: str) -> None:
    shown, offered = card(dossier(name)), dossier(name).offered
    buttons = [element["action_id"] for element in controls(shown) if element["type"] == "button"]
    verbs = [option["value"].split(" ", 1)[0] for option in options(shown)]
    assert set(buttons + verbs) <= {verb.value for verb in offered} | {ActionId.DETAILS}


@pytest.mark.parametrize("name", STATES)
def test_a_button_carries_the_reference_and_nothing_else(name: str) -> None:
    shown = dossier(name, rendering_id="rnd_" + "a" * 32)
    values = [element["value"] for element in controls(card(shown)) if element["type"] == "button"]
    values += [option["value"].split(" ", 1)[1] for option in options(card(shown))]
    assert {Ref.read(value) for value in values} <= {shown.ref}


def test_the_options_of_the_menu_name_their_verb() -> None:
    verbs = [Verb(option["value"].split(" ", 1)[0]) for option in options(card(dossier("pending")))]
    assert verbs == [Verb.REQUEST_MORE_EVIDENCE, Verb.DEFER, Verb.OVERRIDE, Verb.TAKE_OVER, Verb.RECUSE]


def test_every_button_has_an_accessible_label_that_names_its_package() -> None:
    buttons = [element for element in controls(card(dossier("pending"))) if element["type"] == "button"]
    assert [button["accessibility_label"] for button in buttons] == [
        f"{label}: Send the enforcement notice to ACME Ltd"
        for label in ("Approve", "Reject", "Revise", "Escalate", "Details")
    ]


@pytest.mark.parametrize("name", STATES)
def test_people_are_mentioned_in_one_line_and_only_while_the_package_is_pending(name: str) -> None:
    shown = dossier(name)
    calling = [block for block in card(shown).blocks if "<!subteam^SREVIEW>" in texts(block)]
    assert len(calling) == (1 if name in PENDING else 0)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("pending", ", then a supervisor"),
        ("expired", "Nobody decided in time. Nothing is done; nobody rejected it."),
        ("pending_soft", " unless someone objects"),
        ("pending_soft_unseen", "goes ahead 5 minutes after a reviewer can see this card if nobody objects"),
        ("objected", "someone objected, so it needs an explicit approval"),
        ("silence_unproven", "no reviewer could see this long enough to object, so it needs an explicit approval"),
        ("escalated", "Senta Koch escalated this from a senior reviewer to a supervisor."),
        ("escalated_by_time", "Escalated from a senior reviewer to a supervisor: nobody answered in time."),
        ("one_of_two", "1 of 2 approvals: Senta Koch. Still needed: 1 supervisor."),
        ("pending_critical", " · needs 2 approvals, 1 of them by a supervisor"),
        ("pending_critical", "Open Details before you approve"),
        ("claimed_task", "Senta Koch has taken this up."),
        ("second_version", "Version 2: \ncc added"),
        ("edited_version", 'Version 2 by Senta Koch: \nto "legal@acme.example" → "office@acme.example"'),
        ("edited_version", "The address was old."),
        ("approved_with_edits", "Senta Koch (senior reviewer) edited the parameters and approved them."),
        (
            "approved_by_quorum",
            "Senta Koch (senior reviewer) and Susi Arnold (supervisor) approved this after 4 minutes.",
        ),
        ("answered", "Ross Vidal (reviewer) answered. An answer is not a permission to act."),
        ("consented", "This is consent by silence, not an approval."),
        ("taken_over", "Clerk is paused in its thread until someone hands it back"),
        ("handed_back", "Senta Koch handed the thread back."),
        ("consented", "Not carried out yet; expires "),
        ("failed", "The mail server refused the address."),
        ("notified", "This is for your information."),
        ("withdrawn", "Clerk withdrew this."),
        ("expired_awaiting_agent", "The agent did not answer in time."),
    ],
)
def test_each_state_says_its_sentence(name: str, sentence: str) -> None:
    assert sentence in card_text(dossier(name))


@pytest.mark.parametrize(
    "words",
    [
        "to: legal@acme.example · template: notice-456",
        "case ACME-17",
        "A legal notice goes out, and the case moves to NOTIFIED.",
        "high risk requires approval · irreversible, low impact · cost 12.50 EUR",
        "The inspection record for May is missing.",
        "Evidence: \n2 items",
        "Policy: \nP-2026-04 §3: notice…",
        "risk agent\n disagrees: \nwait",
        "Confidence: \n82%",
        "Clerk",
    ],
)
def test_a_pending_card_shows_everything_a_reviewer_needs(words: str) -> None:
    assert words in card_text(dossier("pending", earlier_packages=EARLIER))


def test_the_proposal_comes_before_the_reasons_and_doubts_before_the_rationale() -> None:
    text = card_text(dossier("one_of_two", earlier_packages=EARLIER))
    order = [
        "decide by", "1 of 2 approvals", "Open Details", "mail.send", "to: legal", "If approved", "Doubt", "disagrees",
        "Evidence", "Policy", "Confidence", "Senta Koch approves", "Why you", "irreversible",
        "Replies here are not read",
    ]  # fmt: skip
    places = [text.index(words) for words in order]
    assert places == sorted(places)


def count_lines(message: Message, width: int = 85) -> int:
    """The lines of text before the buttons, as wide as a message in Slack."""
    shown = [block for block in message.blocks if block["type"] not in ("actions", "context")]
    return sum(-(-len(line) // width) or 1 for block in shown for line in plain_lines(block))


def plain_lines(block: dict[str, Any]) -> list[str]:
    parts = block["elements"] if block["type"] == "rich_text" else [{"elements": [block["text"]]}]
    return [line for part in parts for line in "".join(map(run_text, part["elements"])).split("\n")]


def run_text(run: dict[str, Any]) -> str:
    return str(run.get("text") or run.get("fallback"))


@pytest.mark.parametrize("name", PENDING)
def test_a_waiting_card_has_at_most_14_lines_before_its_buttons(name: str) -> None:
    assert count_lines(card(dossier(name, earlier_packages=EARLIER))) <= 14


@pytest.mark.parametrize("kind", KINDS)
def test_a_card_of_each_kind_has_at_most_14_lines_before_its_buttons(kind: str) -> None:
    assert count_lines(card(of_kind(kind))) <= 14


@pytest.mark.parametrize("name", TERMINAL)
def test_a_decided_card_has_three_lines(name: str) -> None:
    shown = [block for block in card(dossier(name)).blocks if block["type"] != "actions"]
    assert len([line for block in shown for line in plain_lines(block)]) == 3


def test_the_same_action_that_was_refused_before_is_one_line() -> None:
    text = card_text(dossier("pending", earlier_packages=(*EARLIER, REFUSED)))
    assert text.count("The same action on the same subject was rejected by Senta Koch ") == 1
    assert "The same action" not in card_text(dossier("pending", earlier_packages=EARLIER))


def test_a_reason_that_is_said_above_is_not_the_reason_why_a_person_is_asked() -> None:
    assert card_text(dossier("objected")).lower().count("someone objected") == 1


def test_the_first_line_keeps_its_label_whatever_the_title() -> None:
    shown = dossier("overridden_other")
    assert shown.package is not None
    long = replace(shown, package=shown.package.model_copy(update={"title": "T" * 150}))
    assert card(long).blocks[0]["text"]["text"].endswith("T… · overridden: do something else")


def test_the_changes_of_a_version_are_those_of_what_an_approval_releases() -> None:
    shown = dossier("second_version")
    assert shown.package is not None
    rewritten = shown.package.model_copy(update={"rationale": "Other words."})
    assert "rationale" not in card_text(replace(shown, package=rewritten))
    assert "an approval releases the same as before" in card_text(replace(shown, package=shown.before))


def test_a_remark_that_a_version_of_the_agent_answers_is_in_details() -> None:
    assert "Name the clause" not in card_text(dossier("second_version"))


def test_the_description_of_a_call_stands_in_for_an_expected_result() -> None:
    shown, description = dossier("pending"), "Send notice draft 456 to ACME Ltd under policy P-2026-04."
    assert shown.package is not None
    assert description not in card_text(shown)
    assert description in card_text(replace(shown, package=shown.package.model_copy(update={"consequence": None})))


@pytest.mark.parametrize("name", PENDING)
def test_the_reason_why_a_person_is_asked_is_one_phrase(name: str) -> None:
    line = card_text(dossier(name)).split("Why you: \n")[1].split("\n")[0]
    assert (line, ". " in line) == (line.strip(" ."), False)


def test_the_reason_why_a_question_is_asked_ends_without_a_space() -> None:
    assert "Why you: \na question always waits for a person\n" in card_text(of_kind("question"))


def test_fields_that_the_agent_left_empty_are_named() -> None:
    shown = dossier("pending")
    state = shown.state.model_copy(update={"warnings": ("consequence", "policy_basis")})
    assert "The agent says nothing about: consequence and policy basis." in card_text(replace(shown, state=state))


def test_words_in_mixed_alphabets_are_listed_in_a_frame() -> None:
    shown = dossier("pending")
    assert shown.package is not None
    package = shown.package.model_copy(update={"action_parameters": {"am\u043eunt": 1}})
    text = card_text(replace(shown, package=package))
    assert "Mixed alphabets" in text
    assert "key “am\u043eunt”: Cyrillic and Latin" in text
    assert "Mixed alphabets" not in card_text(shown)


def test_urls_are_never_clickable() -> None:
    assert "https://" not in card_text(dossier("pending"))


def test_a_takeover_card_says_where_the_agent_stopped() -> None:
    text = card_text(dossier("pending_takeover"))
    assert "Stopped because: \nThe register and the contract name different addresses." in text
    assert "If approved" not in text
