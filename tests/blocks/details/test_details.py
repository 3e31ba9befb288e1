"""Details shows everything over as many pages as needed, and quoted words stay framed."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given

from blocks.details.agent import ASKED, ECHOED, REASONS, SHORT
from blocks.details.details import details_view, read_page
from blocks.kit.parameters import exact_json, exact_json_line
from blocks.kit.text import clean, defang
from blocks.words.dossier import Dossier, HistoryEvent
from blocks.words.history import EVENT_LABELS
from playground.blockkit.validate import validate_view
from rules.canonical import canonical_json
from rules.package.model import DecisionPackage
from rules.reasons import Reason, refuse
from rules.state import commands
from rules.state.commands import Verb
from rules.state.events import EventType
from rules.verbs.trials import Offer
from rules.visible import escape_invisible
from tests.blocks.conftest import Golden
from tests.blocks.dossiers import EARLIER, KINDS, STATES, Story, dossier, emptied_dossier, of_kind
from tests.blocks.packages import hostile, largest
from tests.blocks.reading import buttons, framed_text, headings, markup, objects, of_type, unframed_text
from tests.rules.world import NOW, RITA, SENTA, package


def steady(drawn: Dossier) -> Dossier:
    """A story with ids that do not depend on which tests ran before."""
    task = drawn.state.task.model_copy(update={"review_task_id": "rt_1"})
    return replace(drawn, state=drawn.state.model_copy(update={"interrupt_id": "int_1", "task": task}))


def page_count(first: Any) -> int:
    """The number that the first page gives; a single page gives none."""
    numbered = re.search(r"Page 1 of (\d+)", markup(first))
    return int(numbered[1]) if numbered else 1


def every_page(drawn: Dossier) -> list[Any]:
    """Each view draws all pages, so none is drawn twice here."""
    first = details_view(drawn)
    return [first, *(details_view(drawn, number) for number in range(2, page_count(first) + 1))]


def within(page: Any) -> str:
    """The framed text of a page, without its title."""
    return framed_text(page["blocks"][1:])


def bare(text: str) -> str:
    """The text without white space: long texts are split at line ends."""
    return "".join(text.split())


def leaves(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [leaf for name, item in value.items() for leaf in (name, *leaves(item))]
    return [leaf for item in value for leaf in leaves(item)] if isinstance(value, list) else [value]


def ways_to_write(leaf: Any) -> set[str]:
    if not isinstance(leaf, str):
        return {bare(exact_json_line(leaf)), canonical_json(leaf).decode()}
    in_a_line = escape_invisible(leaf).replace("\n", r"\n")
    exact = [bare(f"{bar}{line}") for bar in ("", "│") for line in leaf_lines(leaf, bar)]
    return {bare(clean(leaf)) or "–", bare(exact_json_line(leaf)[1:-1]), bare(in_a_line), bare(defang(leaf)), *exact}


def leaf_lines(leaf: str, bar: str) -> list[str]:
    """The lines of a text as `rules.package.layout` writes them, joined."""
    lines = [escape_invisible(line.replace("\\", "\\\\")) for line in leaf.split("\n")]
    return [bar.join(line[:-1] + r"\u0020" if line.endswith(" ") else line for line in lines)]


SAMPLES = ("pending", "pending_soft", "second_version", "approved_by_quorum", "escalated", "taken_over", "lost_track")


@pytest.mark.parametrize("name", SAMPLES)
def test_the_details_of_each_state_look_as_they_did(name: str, golden: Golden) -> None:
    golden(f"details_{name}", details_view(steady(dossier(name, earlier_packages=EARLIER))))


def test_the_details_of_an_emptied_package_look_as_they_did(golden: Golden) -> None:
    golden("details_emptied", details_view(steady(emptied_dossier("approved"))))


@pytest.mark.parametrize("name", STATES)
def test_details_are_valid_in_every_state(name: str) -> None:
    drawn = details_view(dossier(name, earlier_packages=EARLIER))
    assert validate_view(drawn) == ()
    assert len(drawn["title"]["text"]) <= 24
    assert "submit" not in drawn


@pytest.mark.parametrize("kind", KINDS)
def test_details_are_valid_for_every_kind(kind: str) -> None:
    assert validate_view(details_view(of_kind(kind))) == ()


@pytest.mark.parametrize("name", STATES)
def test_details_of_an_emptied_package_keep_the_record(name: str) -> None:
    drawn = details_view(emptied_dossier(name))
    assert validate_view(drawn) == ()
    assert "History" in headings(drawn)
    assert "The agent's reasons" not in headings(drawn)


@pytest.mark.parametrize("name", STATES)
def test_details_offer_every_verb_as_a_button_or_in_the_menu(name: str) -> None:
    drawn = dossier(name)
    view = details_view(drawn)
    in_menu = [option["value"] for menu in of_type(view, "overflow") for option in menu["options"]]
    of_thread = {"thread", "thread_hold", "thread_resume"}
    offered = {verb: element["value"] for verb, element in buttons(view).items() if verb not in of_thread}
    offered |= dict(value.split(" ", 1) for value in in_menu)
    assert offered == {verb.value: str(drawn.ref) for verb in drawn.offered}


def test_details_offer_only_what_their_reader_may_do_and_say_what_is_missing() -> None:
    offer = Offer((Verb.COMMENT,), refuse(Reason.WRONG_ROLE, role="senior_reviewer"))
    view = details_view(dossier("pending", offer=offer, card_link="https://example.slack.com/archives/C1/p2"))
    assert buttons(view).keys() == {"comment", "thread", "thread_hold"}
    assert "You need the senior reviewer role to decide this." in unframed_text(view)
    assert [element["url"] for element in of_type(view, "link")] == ["https://example.slack.com/archives/C1/p2"]


def test_no_field_of_a_package_is_left_out() -> None:
    drawn = [*ASKED, *REASONS, *ECHOED, *SHORT, "title"]  # each page begins with the title
    assert sorted(drawn) == sorted(DecisionPackage.model_fields.keys() - {"action_parameters"})
    assert "Exact parameters" in unframed_text(details_view(dossier("pending")))


@pytest.mark.slow
@given(hostile)
def test_every_value_of_a_hostile_package_can_be_read(proposal: DecisionPackage) -> None:
    shown = every_page(Story(proposal).dossier())
    assert [validate_view(page) for page in shown] == [()] * len(shown)
    read = bare(framed_text(shown[0]["blocks"][0]) + "".join(map(within, shown)))
    hidden = [
        leaf
        for leaf in leaves(proposal.model_dump(mode="json", exclude_defaults=True))
        if not _is_in(leaf, read, proposal)
    ]
    assert hidden == []


def _is_in(leaf: Any, read: str, proposal: DecisionPackage) -> bool:
    named = isinstance(leaf, str) and leaf in _FIELDS  # the names of the fields have headings of the service
    return named or any(written in read for written in ways_to_write(leaf))


_FIELDS = {"id", "title", "excerpt", "url", "by", "position", "reason", "amount", "currency"} | {
    *DecisionPackage.model_fields,
    *("summary", "stopping_reason", "work_completed", "current_state", "next_steps"),
}


@pytest.mark.slow
@given(hostile)
def test_words_of_a_hostile_package_stay_framed_in_details(proposal: DecisionPackage) -> None:
    before = Story().dossier().package
    shown = every_page(replace(Story(proposal).dossier(), before=before))
    assert "ZQX" not in markup(shown)
    assert "ZQX" not in unframed_text([block for page in shown for block in page["blocks"] if not _is_path(block)])
    assert of_type(shown, "link", "image", "usergroup", "channel", "broadcast", "markdown", "user") == []


def _is_path(block: Any) -> bool:
    """The line that names a change: its path shows parameter names as code."""
    return any(run.get("style") == {"code": True} for run in objects(block))


def test_a_package_of_200_kb_can_be_read_page_by_page() -> None:
    proposal = largest()
    assert len(proposal.model_dump_json()) > 200_000
    shown = every_page(Story(proposal).dossier())
    assert len(shown) > 2
    assert [validate_view(page) for page in shown] == [()] * len(shown)
    read = bare(framed_text(shown[0]["blocks"][0]) + "".join(map(within, shown)))
    assert [
        leaf
        for leaf in leaves(proposal.model_dump(mode="json", exclude_defaults=True))
        if not _is_in(leaf, read, proposal)
    ] == []


def test_each_page_leads_to_its_neighbours() -> None:
    drawn = Story(largest()).dossier()
    first = details_view(drawn)
    second, end = details_view(drawn, 2), details_view(drawn, last := page_count(first))
    assert [element["value"] for element in of_type(first, "button") if element["action_id"] == "page"] == [
        f"2 {drawn.ref}"
    ]
    assert [element["value"] for element in of_type(second, "button")] == [f"1 {drawn.ref}", f"3 {drawn.ref}"]
    assert [element["value"] for element in of_type(end, "button")] == [f"{last - 1} {drawn.ref}"]
    assert f"Page 2 of {last}" in markup(second)
    assert second["private_metadata"] == f"2 {drawn.ref}"


@pytest.mark.parametrize(("asked", "given_"), [(0, 1), (-5, 1), (10_000, 1)])
def test_a_page_that_does_not_exist_gives_the_nearest_one(asked: int, given_: int) -> None:
    drawn = dossier("pending")
    assert details_view(drawn, asked) == details_view(drawn, given_)


def test_the_metadata_of_a_page_can_be_parsed_again() -> None:
    drawn = dossier("pending", rendering_id=f"rnd_{'0' * 32}")
    assert read_page(details_view(drawn)["private_metadata"]) == (1, drawn.ref)


@pytest.mark.parametrize(
    "written", ["", "1", "0 pkg_1 1 0 -", "-1 pkg_1 1 0 -", "x pkg_1 1 0 -", "1 pkg_1 1 0", "²  pkg_1 1 0 -"]
)
def test_a_value_that_is_not_exactly_a_page_is_rejected(written: str) -> None:
    assert read_page(written) is None


def test_a_section_that_continues_on_a_page_repeats_its_heading() -> None:
    shown = every_page(Story(largest()).dossier())
    assert all(page["blocks"][2]["type"] == "header" for page in shown[1:])
    assert "Exactly what is proposed, continued" in headings(shown[1])


def test_exact_parameters_write_invisible_characters_as_escapes() -> None:
    proposal = package(action_parameters={"to": "legal\u200b@acme\u202e.example", "note": "line\u2028two\ufe0f é 🙂"})
    shown = framed_text(details_view(Story(proposal).dossier()))
    assert r"legal\u200b@acme\u202e.example" in shown
    assert r"line\u2028two\ufe0f é 🙂" in shown


@pytest.mark.slow
@given(hostile)
def test_exact_parameters_parse_to_the_same_value(proposal: DecisionPackage) -> None:
    assert json.loads(exact_json(proposal.action_parameters)) == proposal.action_parameters


def test_a_call_without_arguments_says_so() -> None:
    shown = details_view(Story(package(action_parameters={})).dossier())
    assert [
        block["elements"][1]["elements"] for block in shown["blocks"] if "Exact parameters" in unframed_text(block)
    ] == [[{"type": "text", "text": "{}"}]]


def test_a_url_is_not_a_link_and_its_true_host_is_shown() -> None:
    proposal = package(subject_url="https://bank.example.evil.example/login")
    shown = details_view(Story(proposal).dossier())
    assert "hxxps://bank[.]example[.]evil[.]example/login" in framed_text(shown)
    assert "bank.example.evil.example" in unframed_text(shown)


def test_a_line_break_in_an_id_adds_no_line() -> None:
    shown = framed_text(details_view(Story(package(subject_id="42\nrisk_level: low")).dossier()))
    assert r"subject_id: 42\nrisk_level: low" in shown


def test_the_history_says_who_did_what_with_which_words() -> None:
    drawn = Story().then(commands.Comment, SENTA, comment="Look at <!here> page 2.").dossier()
    shown = details_view(drawn)
    assert "Comment · Senta Koch · " in unframed_text(shown).replace("\n", "")
    assert "Look at <!here> page 2." in framed_text(shown)


def test_an_approval_by_policy_is_not_attributed_to_the_agent() -> None:
    drawn = dossier("notified")
    text = unframed_text(details_view(drawn)).replace("\n", "")
    assert "Approved by policy · " in text
    assert f"Submitted · {drawn.agent} · " in text
    assert f"Approved · {drawn.agent}" not in text


def test_details_of_a_package_approved_by_policy_say_that_nobody_was_asked() -> None:
    shown = details_view(dossier("notified"))
    assert {"Why nobody was asked", "Who was asked"} < set(headings(shown))
    assert "Nobody: the policy allowed it." in unframed_text(shown)
    assert [word for word in ("Asked now", "Asked last", "If nobody decides") if word in unframed_text(shown)] == []


@pytest.mark.parametrize("name", ["expired", "approved", "rejected", "withdrawn"])
def test_details_of_a_closed_package_use_the_past_tense(name: str) -> None:
    shown = details_view(dossier(name))
    assert {"Why a person was asked", "Who was asked"} < set(headings(shown))
    assert "Asked last: " in unframed_text(shown)
    assert [word for word in ("Asked now", "If nobody decides", "May not") if word in unframed_text(shown)] == []


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("pending", "Asked now: "),
        ("pending_soft", "Asked now: "),
        ("deferred", "Asked next: "),
        ("revision_requested", "Asked next: "),
    ],
)
def test_details_of_an_open_package_say_who_decides(name: str, asked: str) -> None:
    shown = details_view(dossier(name))
    assert {"Why a person is asked", "Who decides"} < set(headings(shown))
    assert asked in unframed_text(shown)
    assert unframed_text(shown).count(", then ") + unframed_text(shown).count("If nobody decides in time, ") == 1


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("lost_track", "Outcome unknown since: "),
        ("lapsed", "Expired unused: "),
        ("succeeded", "Carried out, says the agent, "),
        ("failed", "Failed, says the agent, "),
        ("rolled_back", "Rolled back, says the agent, "),
    ],
)
def test_details_say_that_an_outcome_was_reported_only_if_one_was(name: str, words: str) -> None:
    text = unframed_text(details_view(dossier(name)))
    assert text.count(words) == 1
    assert "was reported: " not in text


@pytest.mark.parametrize("name", STATES)
def test_details_say_the_time_of_a_decision_once_above_the_history(name: str) -> None:
    shown = details_view(dossier(name))["blocks"]
    history = next(place for place, block in enumerate(shown) if headings([block]) == ["History"])
    text = unframed_text(shown[:history])
    assert [text.count(word) > 1 for word in ("Decided ", "Expires if unused", "The agent has until")] == [False] * 3


def test_a_list_of_the_agent_has_one_heading() -> None:
    shown = details_view(dossier("pending_takeover"))
    assert [word for word in (" 1 of ", " 2 of ") if word in unframed_text(shown)] == []


def test_the_history_has_a_label_for_each_event_type() -> None:
    assert set(EVENT_LABELS) == set(EventType)


def test_an_event_without_a_label_is_shown_under_its_type() -> None:
    strange = HistoryEvent(revision=1, at=NOW, event_type="package.frozen_over", actor="auto", reason="cold-night")
    assert "package frozen over (cold night)" in unframed_text(details_view(dossier("pending", history=(strange,))))


def test_a_mail_that_may_not_have_arrived_says_so_in_the_history() -> None:
    mail = HistoryEvent(
        revision=1,
        at=NOW,
        event_type=EventType.PACKAGE_MAILED,
        actor="auto",
        mailed=(SENTA, RITA),
        unconfirmed=frozenset({RITA}),
    )
    shown = unframed_text(details_view(dossier("pending", history=(mail,))))
    assert "Senta Koch, Rita Sousa (may not have arrived)" in shown


def test_a_long_history_is_split_into_pages() -> None:
    comment = HistoryEvent(revision=1, at=NOW, event_type="human.commented", actor=SENTA, words={"comment": "c" * 3000})
    shown = every_page(dossier("pending", history=(comment,) * 300))
    assert [validate_view(page) for page in shown] == [()] * len(shown)
    assert sum(unframed_text(page).count("Senta Koch") for page in shown) == 300


def test_a_vote_that_no_longer_counts_says_so() -> None:
    drawn = dossier("one_of_two")
    lost = replace(drawn, tally=drawn.tally.model_copy(update={"votes": ()}))
    assert "does not count any more" in unframed_text(details_view(lost))
    assert "does not count any more" not in unframed_text(details_view(drawn))


def test_drawing_details_twice_gives_the_same() -> None:
    drawn = dossier("approved")
    assert details_view(drawn) == details_view(drawn)
