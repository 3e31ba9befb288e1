"""App Home: what waits for the person, what they decided, and the away button."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blocks.home.filter import filter_form, filter_of, own_metadata, with_filter
from blocks.home.home import HomeData, RowPage, home_view
from blocks.home.queue import ROWS, Row
from blocks.kit.ids import Ref
from blocks.kit.limits import PRIVATE_METADATA
from blocks.words.verbs import LOOKS
from playground.blockkit.validate import validate_view
from rules.reasons import Reason, refuse
from rules.scales import HITLLevel, RiskLevel
from rules.search import EVERYTHING, Search
from rules.state.commands import HumanDecisionType, Verb
from rules.state.model import Status
from tests.blocks.conftest import Golden
from tests.blocks.packages import texts
from tests.blocks.reading import buttons, framed_text, headings, markup, of_type, unframed_text
from tests.rules.world import DAY, HOUR, NOW

URGENT = Row(
    ref=Ref("pkg_1", 2, 1),
    title="Send the enforcement notice to ACME Ltd",
    agent="Clerk",
    risk=RiskLevel.HIGH,
    level=HITLLevel.HARD_APPROVAL,
    status=Status.PENDING,
    status_label="Waiting",
    due_at=NOW + HOUR,
    role="senior_reviewer",
    assigned_to_me=True,
    requester="Rose Miller",
    offered=(Verb.APPROVE, Verb.REJECT, Verb.REVISE, Verb.TAKE_OVER, Verb.RECUSE),
    link="https://example.slack.com/archives/C1/p2",
)
LATER = replace(
    URGENT,
    ref=Ref("pkg_2", 1, 0),
    title="Change the delivery address of order 42",
    risk=RiskLevel.MEDIUM,
    level=HITLLevel.SOFT_APPROVAL,
    due_at=NOW + DAY,
    role="reviewer",
    assigned_to_me=False,
    taken_by="Sven Dahl",
    offered=(Verb.REJECT,),
    missing=refuse(Reason.IS_REQUESTER),
    link=None,
)
DECIDED = replace(
    URGENT,
    ref=Ref("pkg_3", 1, 0),
    title="Freeze account 7731",
    status=Status.APPROVED,
    status_label="Approved, carried out",
    decision=HumanDecisionType.APPROVE,
    decided_at=NOW - HOUR,
    due_at=None,
    role=None,
    assigned_to_me=False,
    offered=(Verb.REVOKE, Verb.COMMENT),
    link=None,
)
EMPTIED = replace(DECIDED, ref=Ref("pkg_4", 1, 0), title=None)
BUSY = HomeData(
    name="Senta Koch",
    to_decide=RowPage(rows=(URGENT, LATER), following="0 2026-11-21 rt_9"),
    decided=RowPage(rows=(DECIDED, EMPTIED), previous="2026-11-20 evt_1"),
    waiting=31,
    own_count=14,
)
FILTER = Search(agent="mail", action_type="refund", risk=RiskLevel.HIGH, words=("order", "*42*"))
DESKS = {
    "busy": BUSY,
    "filtered": replace(BUSY, search=FILTER),
    "filtered_away": HomeData(name="Senta Koch", search=FILTER),
    "empty": HomeData(name="Senta Koch"),
    "nothing_of_31": HomeData(name="Senta Koch", waiting=31, own_count=0),
    "away": replace(BUSY, away_until=NOW + 7 * DAY, delegate="Sven Dahl"),
    "all_mails": HomeData(name="Senta Koch", all_mails=True),
    "takeovers_only": HomeData(name="Senta Koch", all_mails=False),
    "without_a_role": HomeData(name="Rose Miller", is_reviewer=False),
    "admin": HomeData(name="Adam Stone", is_reviewer=False, is_admin=True, posture=("Soft approvals are off.",)),
}


@pytest.mark.parametrize("name", DESKS)
def test_each_home_looks_as_it_did(name: str, golden: Golden) -> None:
    view = home_view(DESKS[name])
    golden(f"home_{name}", view)
    assert validate_view(view) == ()


def test_each_row_shows_its_request_and_links_to_details() -> None:
    view = home_view(BUSY)
    assert [element["value"] for element in of_type(view, "button") if element["action_id"] == "details"] == [
        "pkg_1 2 1 -",
        "pkg_2 1 0 -",
        "pkg_3 1 0 -",
        "pkg_4 1 0 -",
    ]
    assert "Send the enforcement notice to ACME Ltd" in framed_text(view)
    assert "Clerk asks a senior reviewer, for Rose Miller\n · \n🔴 \nhigh risk" in unframed_text(view)
    assert "assigned to you" in unframed_text(view)
    assert "taken up by Sven Dahl" in unframed_text(view)
    assert [element["url"] for element in of_type(view, "link")] == ["https://example.slack.com/archives/C1/p2"]


def test_each_row_offers_what_its_reader_may_do_and_says_what_is_missing() -> None:
    view = home_view(BUSY)
    offered = [
        [element["text"]["text"] for element in of_type(block, "button")]
        for block in view["blocks"]
        if block["type"] == "actions"
    ]
    assert offered == [
        ["Approve", "Reject", "Revise", "Details"],
        ["Reject", "Details"],
        ["More"],
        ["Back"],
        ["Revoke", "Comment", "Details"],
        ["Revoke", "Comment", "Details"],
        ["My decisions"],
    ]
    assert of_type(view, "overflow") == []
    assert "You asked for this, so someone else must approve it." in unframed_text(view)


def test_a_menu_of_a_row_has_no_more_options_than_slack_accepts() -> None:
    view = home_view(replace(BUSY, to_decide=RowPage(rows=(replace(URGENT, offered=tuple(LOOKS)),))))
    assert len(of_type(view, "overflow")[0]["options"]) == 5
    assert validate_view(view) == ()


def test_a_decided_row_says_the_decision_and_the_current_status() -> None:
    assert "You approved this " in unframed_text(home_view(BUSY))
    assert "now: approved, carried out" in unframed_text(home_view(BUSY))


@pytest.mark.parametrize("decision", HumanDecisionType)
def test_every_decision_is_told_in_the_past_tense(decision: HumanDecisionType) -> None:
    view = home_view(replace(BUSY, decided=RowPage(rows=(replace(DECIDED, decision=decision),))))
    assert re.search(r"You (\w+ed|overrode|took) ", unframed_text(view))


def test_a_filter_is_shown_literally_and_can_be_cleared() -> None:
    view = home_view(DESKS["filtered"])
    assert "Filter: agent “mail”, type “refund”, high risk, “order”, “*42*”" in str(view)
    assert {"home_filter", "home_clear"} <= buttons(view).keys()
    assert filter_of(view) == FILTER
    assert filter_of(home_view(BUSY)) == EVERYTHING
    assert "home_clear" not in buttons(home_view(BUSY))
    assert "Nothing of yours matches." in markup(home_view(DESKS["filtered_away"]))


@pytest.mark.parametrize("metadata", ["x", "[]", '{"risk": "huge"}', '{"other": 1}', '{"agent": 7}'])
def test_metadata_that_is_no_filter_filters_nothing(metadata: str) -> None:
    assert filter_of({"private_metadata": f"|{metadata}"}) == EVERYTHING
    assert filter_of({"private_metadata": metadata}) == EVERYTHING


@pytest.mark.parametrize("own", ["", "approve pkg_1 1 0 -", "2 pkg_1 1 0 rnd_1"])
def test_a_view_carries_the_filter_after_its_own_metadata(own: str) -> None:
    view = with_filter({"type": "modal", "private_metadata": own}, FILTER)
    assert (own_metadata(view), filter_of(view)) == (own, FILTER)
    assert with_filter(view, FILTER) == view


@pytest.mark.parametrize("character", ["x", '"', "\\", "\x01", "\u2028", "字", "😀"])
def test_the_longest_filter_fits_into_the_metadata_of_a_view(character: str) -> None:
    words = tuple(character * 50)
    longest = Search(agent=character * 100, action_type=character * 100, risk=RiskLevel.CRITICAL, words=words)
    assert len(with_filter({}, longest)["private_metadata"]) <= PRIVATE_METADATA - 200  # a modal has its own


def test_the_form_of_the_filter_looks_as_it_did(golden: Golden) -> None:
    golden("form_filter", filter_form(FILTER))
    assert validate_view(filter_form(FILTER)) == validate_view(filter_form(EVERYTHING)) == ()


def test_a_page_has_back_and_more_buttons_with_the_given_positions() -> None:
    shown = buttons(home_view(BUSY))
    assert (shown["home_mine"]["value"], shown["home_decided"]["value"]) == ("0 2026-11-21 rt_9", "2026-11-20 evt_1")


def test_a_page_in_the_middle_has_both_back_and_more() -> None:
    middle = replace(BUSY, to_decide=replace(BUSY.to_decide, previous="first"))
    values = [
        element["value"] for element in of_type(home_view(middle), "button") if element["action_id"] == "home_mine"
    ]
    assert values == ["first", "0 2026-11-21 rt_9"]
    assert validate_view(home_view(middle)) == ()


def test_an_empty_home_says_where_requests_appear() -> None:
    assert "New requests appear in the app's Home and in their channel." in markup(home_view(DESKS["empty"]))
    assert "31 packages wait for others: /reviews queue lists them." in markup(home_view(DESKS["nothing_of_31"]))
    assert "You hold no role in the policy" in markup(home_view(DESKS["without_a_role"]))
    assert "Put people into a role" in markup(home_view(DESKS["admin"]))


@pytest.mark.parametrize(
    ("name", "there", "not_there"), [("busy", "home_away", "home_back"), ("away", "home_back", "home_away")]
)
def test_there_is_one_away_button(name: str, there: str, not_there: str) -> None:
    shown = buttons(home_view(DESKS[name]))
    assert there in shown
    assert not_there not in shown


@pytest.mark.parametrize(
    ("yours", "text"),
    [
        (14, "Senta Koch, 14 packages wait for you, the most urgent first."),
        (1, "Senta Koch, 1 package waits for you."),
        (None, "Senta Koch, some packages wait for you, the most urgent first."),
    ],
)
def test_the_first_line_says_how_much_waits(yours: int | None, text: str) -> None:
    assert home_view(replace(BUSY, own_count=yours))["blocks"][0]["text"]["text"] == text


def test_a_person_without_a_role_is_not_asked_about_absence() -> None:
    assert buttons(home_view(DESKS["without_a_role"])) == {}


def test_the_delegate_is_named_during_an_absence() -> None:
    assert "Sven Dahl stands in for you" in unframed_text(home_view(DESKS["away"]))


def test_admins_are_told_about_admin_commands() -> None:
    assert "You are an admin" in markup(home_view(DESKS["admin"]))
    assert "You are an admin" not in markup(home_view(BUSY))
    assert "Soft approvals are off." in markup(home_view(DESKS["admin"]))


def test_home_has_its_headings() -> None:
    assert headings(home_view(BUSY)) == ["Waiting for you", "What you decided"]


@pytest.mark.slow
@given(st.lists(st.tuples(texts, texts), max_size=ROWS), st.booleans())
def test_hostile_titles_and_names_stay_in_their_frames(pairs: list[tuple[str, str]], decided: bool) -> None:
    row = DECIDED if decided else replace(URGENT, link=None)
    rows = RowPage(
        rows=tuple(replace(row, title=title, agent=agent, requester=agent, taken_by=agent) for title, agent in pairs),
        following="x",
        previous="y",
    )
    view: Any = home_view(replace(BUSY, to_decide=rows, decided=rows, delegate="ZQX*bold*", away_until=NOW))
    assert validate_view(view) == ()
    assert "ZQX" not in markup(view)
    assert of_type(view, "link", "image", "user", "usergroup", "channel", "broadcast") == []
