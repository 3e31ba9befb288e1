"""The answers of `/reviews`: always valid, with a fallback text, and with help for unknown words."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blocks.home import reviews
from blocks.home.policy import policy
from blocks.home.stats import GROUPS, stats
from blocks.kit.message import Message
from blocks.words.refusals import private_message, refusal_message, refusal_view
from playground.blockkit.validate import validate_message, validate_view
from rules.oversight.measures import Counted, DecisionPercentiles, Percentiles, compute_figures
from rules.oversight.outcomes import Facts, Result
from rules.oversight.statistics import Age, Group, Grouping, Statistics, Waiting
from rules.policy.summary import Line, summary_sections
from rules.reasons import Reason, Refusal, refuse
from rules.scales import HITLLevel, RiskLevel
from rules.search import Search
from rules.state.commands import Verb, Verdict
from rules.state.model import Status
from tests.blocks.conftest import Golden
from tests.blocks.dossiers import STATES, dossier
from tests.blocks.home.test_home import DECIDED, LATER, URGENT
from tests.blocks.packages import texts
from tests.blocks.reading import buttons, framed_text, headings, markup, of_type, unframed_text
from tests.rules.world import DAY, HOUR, NOW, POLICY, RITA, SENTA
from tests.rules.world import policy as make_policy

NOTHING = Statistics(since=NOW - 7 * DAY, until=NOW)
FIGURES = Statistics(
    since=NOW - 7 * DAY,
    until=NOW,
    pending=(
        Waiting(level=HITLLevel.SOFT_APPROVAL, age=Age.UNDER_1H, count=4),
        Waiting(level=HITLLevel.HARD_APPROVAL, age=Age.UNDER_1H, count=2),
        Waiting(level=HITLLevel.HARD_APPROVAL, age=Age.OLDER, count=1),
    ),
    figures=compute_figures(
        [
            Counted(Facts(Result.APPROVED, allowed=True), 37),
            Counted(Facts(Result.APPROVED, allowed=True, incident=True, sent_back=True, uncertain=True), 3),
            Counted(Facts(Result.REJECTED, judged_by_several=True, disagreed=True), 2),
            Counted(Facts(Result.REJECTED, escalated=True, judged_by_several=True), 3),
            Counted(Facts(Result.CONSENTED), 12),
            Counted(Facts(Result.EXPIRED), 1),
            Counted(Facts(Result.AUTOMATIC), 226),
            Counted(Facts(Result.AUTOMATIC, sampled=True), 1),
            Counted(Facts(Result.AUTOMATIC, sampled=True, verdict=Verdict.SOUND), 2),
            Counted(Facts(Result.AUTOMATIC, sampled=True, verdict=Verdict.UNSOUND), 1),
        ],
        DecisionPercentiles(
            decided=Percentiles(median_ms=8 * 60_000, p90_ms=5 * 3_600_000 + 61_000),
            waiting=Percentiles(median_ms=6 * 60_000, p90_ms=5 * 3_600_000),
            seen=Percentiles(median_ms=1_000, p90_ms=2_000),
            reading=Percentiles(median_ms=40_000, p90_ms=90_000),
        ),
    ),
)
BY_TYPE = FIGURES.model_copy(
    update={
        "by": Grouping.TYPE,
        "groups": (
            Group(name="send_customer_email", figures=FIGURES.figures),
            Group(name="*senior*_`reviewer`", figures=compute_figures([Counted(Facts(Result.EXPIRED), 1)])),
            Group(name="<!channel>", figures=compute_figures([Counted(Facts(Result.EXPIRED), 2)])),
        ),
    }
)
ANSWERS: dict[str, Message] = {
    "queue": reviews.queue((URGENT, LATER), 29),
    "queue_empty": reviews.queue(()),
    "queue_filtered": reviews.queue((URGENT,), search=Search(risk=RiskLevel.HIGH, words=("<!here>",)), searched=200),
    "queue_filtered_empty": reviews.queue((), search=Search(words=("<!here>",))),
    "mine": reviews.mine((URGENT,)),
    "mine_empty": reviews.mine((), waiting=31),
    "no_role": reviews.no_role_message(is_admin=False),
    "sampled": reviews.sampled(
        (
            replace(
                DECIDED, decision=None, status=Status.CONSENTED, status_label="Nobody objected", offered=(Verb.JUDGE,)
            ),
        )
    ),
    "sampled_empty": reviews.sampled(()),
    "stats": stats(FIGURES),
    "stats_with_charts": stats(FIGURES).with_charts,
    "stats_empty": stats(NOTHING),
    "stats_by_type": stats(BY_TYPE),
    "help": reviews.help(is_admin=False),
    "help_admin": reviews.help(is_admin=True),
    "unknown": reviews.unknown_word("aprove <!channel>", is_admin=False),
    "done": private_message(f"<@{SENTA}> has it now."),
    "audit": reviews.audit(dossier("approved")),
    "policy": policy(summary_sections(POLICY), POLICY.slack_ids),
    "refused": refusal_message(
        refuse(Reason.ALREADY_DECIDED, status="approved", by=f"<@{SENTA}>"), dossier("approved")
    ),
}


def payload(message: Message) -> dict[str, Any]:
    return {"text": message.text, "blocks": list(message.blocks)}


@pytest.mark.parametrize("name", ANSWERS)
def test_each_answer_looks_as_it_did(name: str, golden: Golden) -> None:
    golden(f"reviews_{name}", payload(ANSWERS[name]))
    assert validate_message(payload(ANSWERS[name])) == ()
    assert ANSWERS[name].text


def test_the_queue_counts_what_it_does_not_show() -> None:
    rows = (URGENT,) * 14
    answer = reviews.queue(rows, 6)
    assert len(of_type(answer.blocks, "rich_text_quote")) == 10
    assert "10 more." in markup(answer.blocks)
    assert "and 17 more" in answer.text


def test_the_fallback_text_of_the_queue_lists_the_most_urgent_first() -> None:
    assert ANSWERS["queue"].text.startswith(
        "Waiting for people: Send the enforcement notice to ACME Ltd (high risk, by 2026-11-20 13:00 UTC);"
    )


def test_sampled_packages_can_be_judged() -> None:
    shown = buttons(ANSWERS["sampled"].blocks)
    assert shown["judge"]["value"] == shown["details"]["value"] == "pkg_3 1 0 -"


def _contract() -> str:
    """The words of the slash command, quoted from the contract."""
    return (
        "queue [words], mine, show ID, stats [7d] [by WHAT], agents [NAME], sampled, exceptions, away [until] [@delegate], back,"
        " threads, hold THREAD, resume THREAD, cancel THREAD, history THREAD, help, assign ID @user, audit ID, policy, pause AGENT, resume AGENT"
    )


def test_the_help_lists_every_word_and_admin_words_only_to_admins() -> None:
    everything = [*reviews.SUBCOMMAND_HELP, *reviews.ADMIN_SUBCOMMAND_HELP]
    assert ", ".join(everything) == _contract()
    assert [word for word in everything if f"/reviews {word}" not in unframed_text(ANSWERS["help_admin"].blocks)] == []
    assert [
        word for word in reviews.ADMIN_SUBCOMMAND_HELP if f"/reviews {word}" in unframed_text(ANSWERS["help"].blocks)
    ] == []


def test_an_unknown_word_gets_the_help_and_is_shown_literally() -> None:
    answer = ANSWERS["unknown"]
    assert "aprove <!channel>" in unframed_text(answer.blocks)
    assert "aprove &lt;!channel&gt;" in answer.text
    assert headings(answer.blocks) == ["What /reviews can do"]


def test_the_statistics_are_also_given_in_text() -> None:
    text = ANSWERS["stats"].text
    expected = (
        "4 soft approvals, 3 hard approvals",
        "6 packages under 1 hour, 1 package over 3 days",
        "approved 89% (40 of 45), rejected 11% (5 of 45)",
        "half within 8 minutes, nine of ten within 5 hours 1 minute. Typical: seen after 6 minutes, read for 40 seconds",
        "approved when uncertain 3 of 3, reviewers disagreed 2 of 5, incidents after approval 8% (3 of 40)",
        "3 of 4 packages judged, unsound 1 of 3.",
    )
    assert [part for part in expected if part not in text] == []


def test_the_charts_show_the_same_numbers() -> None:
    bars, slices = (block["chart"] for block in of_type(ANSWERS["stats"].charts, "data_visualization"))
    assert {one["name"]: [point["value"] for point in one["data"]] for one in bars["series"]} == {
        "soft approval": [4, 0, 0, 0, 0],
        "hard approval": [2, 0, 0, 0, 1],
    }
    assert bars["axis_config"]["categories"] == list(Age)
    assert [(one["label"], one["value"]) for one in slices["segments"]] == [
        ("approved", 40),
        ("rejected", 5),
        ("consented", 12),
        ("expired", 1),
    ]


def test_statistics_without_numbers_have_no_chart() -> None:
    assert ANSWERS["stats_empty"].charts == ()


counts = st.integers(0, 10**9)
waitings = st.builds(Waiting, level=st.sampled_from(HITLLevel), age=st.sampled_from(Age), count=counts)
any_facts = st.builds(
    Facts,
    result=st.sampled_from(Result),
    sent_back=st.booleans(),
    uncertain=st.booleans(),
    judged_by_several=st.booleans(),
    allowed=st.booleans(),
    sampled=st.booleans(),
    verdict=st.none() | st.sampled_from(Verdict),
)
percentiles = st.builds(Percentiles, median_ms=counts, p90_ms=counts)
times = st.builds(DecisionPercentiles, decided=percentiles, waiting=percentiles, seen=percentiles, reading=percentiles)
any_figures = st.builds(
    compute_figures, st.lists(st.builds(Counted, any_facts, st.integers(1, 10**9)), max_size=5), st.none() | times
)
statistics = st.builds(
    Statistics,
    since=st.just(NOW - 7 * DAY),
    until=st.just(NOW),
    pending=st.lists(waitings, max_size=12).map(tuple),
    figures=any_figures,
    by=st.none() | st.sampled_from(Grouping),
    groups=st.lists(st.builds(Group, name=st.text(), figures=any_figures), max_size=30).map(tuple),
)


@given(statistics)
def test_any_numbers_give_a_valid_message(numbers: Statistics) -> None:
    assert validate_message(payload(stats(numbers).with_charts)) == ()


def test_the_names_of_groups_are_shown_as_they_are_and_are_no_markup() -> None:
    shown = unframed_text(ANSWERS["stats_by_type"].blocks)
    for line in ("send_customer_email\n: \n288 ended", "*senior*_`reviewer`\n: \n1 ended.", "<!channel>\n: \n2 ended."):
        assert line in shown
    assert "&lt;!channel&gt;: 2 ended." in ANSWERS["stats_by_type"].text


def test_only_the_groups_with_the_most_packages_and_the_newest_weeks_are_shown() -> None:
    groups = tuple(Group(name=f"group {number}", figures=FIGURES.figures) for number in range(GROUPS + 2))
    types = stats(FIGURES.model_copy(update={"by": Grouping.TYPE, "groups": groups}))
    weeks = stats(FIGURES.model_copy(update={"by": Grouping.WEEK, "groups": groups}))
    assert ("group 0:" in types.text, "group 11:" in types.text) == (True, False)
    assert ("group 0:" in weeks.text, "group 11:" in weeks.text) == (False, True)
    assert "2 more. `countersign stats --by type` lists all." in types.text


def test_the_statistics_fit_on_one_screen_of_a_phone() -> None:
    assert len(ANSWERS["stats"].text) < 900
    assert len(ANSWERS["stats"].blocks) <= 10


def test_the_audit_of_a_package_approved_by_policy_names_the_policy() -> None:
    drawn = dossier("notified")
    text = unframed_text(reviews.audit(drawn).blocks).replace("\n", "")
    assert "Approved by policy · " in text
    assert f"Approved · {drawn.agent}" not in text


@pytest.mark.parametrize("name", STATES)
def test_the_audit_of_a_package_is_valid_in_every_state(name: str) -> None:
    drawn = dossier(name)
    answer = reviews.audit(drawn)
    assert validate_message(payload(answer)) == ()
    assert buttons(answer.blocks)["details"]["value"] == str(drawn.ref)


def test_a_long_audit_shows_the_latest_events_and_counts_the_rest() -> None:
    long = dossier("pending", history=dossier("pending").history * 100)
    answer = reviews.audit(long)
    assert validate_message(payload(answer)) == ()
    assert "60 earlier events in Details." in markup(answer.blocks)


def test_a_long_policy_says_where_it_was_cut() -> None:
    lines = [Line(f"action.{number}: soft_approval", 2) for number in range(1000)]
    answer = policy([[Line("Actions"), *lines]], frozenset())
    assert validate_message(payload(answer)) == ()
    assert "countersign policy check" in markup(answer.blocks)
    assert "action.0: soft_approval" in unframed_text(answer.blocks)


def test_the_policy_names_people_groups_and_channels_as_slack_does() -> None:
    named = {"members": [SENTA], "groups": ["S0SENIORS"], "channel": "C0REVIEWS"}
    active = make_policy(admins=[RITA], roles={"senior_reviewer": named})
    blocks = policy(summary_sections(active), active.slack_ids).blocks
    people = [run["user_id"] for run in of_type(blocks, "user")]
    assert {RITA, SENTA} <= set(people)
    assert [run["usergroup_id"] for run in of_type(blocks, "usergroup")] == ["S0SENIORS"]
    assert SENTA not in unframed_text(blocks)


def test_the_statistics_come_in_words_first_and_then_as_charts() -> None:
    kinds = [block["type"] for block in ANSWERS["stats_with_charts"].blocks]
    assert kinds[-2:] == ["data_visualization", "data_visualization"]
    assert "data_visualization" not in kinds[:-2]


def test_a_refusal_for_want_of_a_role_says_who_can_decide() -> None:
    asked = dossier("pending")
    shown = refusal_message(_no_role(), replace(asked, mentions=(f"<@{SENTA}>", "<!subteam^SREVIEW>"))).blocks
    assert [run["user_id"] for run in of_type(shown, "user")] == [SENTA]
    assert [run["usergroup_id"] for run in of_type(shown, "usergroup")] == ["SREVIEW"]
    assert "Ask one of:" in unframed_text(shown)
    assert "Ask one of" not in unframed_text(refusal_message(_no_role()).blocks)


def test_a_refusal_names_the_roles_that_can_decide_if_the_card_mentions_nobody() -> None:
    shown = refusal_message(_no_role(), dossier("pending", mentions=())).blocks
    assert "Ask a senior reviewer." in unframed_text(shown)


def test_a_refusal_until_details_are_open_has_a_button_that_opens_them() -> None:
    view = refusal_view(refuse(Reason.DETAILS_FIRST), dossier("pending_critical"))
    assert validate_view(view) == ()
    assert buttons(view)["details"]["value"] == str(dossier("pending_critical").ref)


def _no_role() -> Refusal:
    return refuse(Reason.WRONG_ROLE, role="senior_reviewer")


def test_a_refusal_looks_the_same_in_a_modal_and_in_a_note() -> None:
    view = refusal_view(_no_role(), dossier("pending"))
    assert validate_view(view) == ()
    assert tuple(view["blocks"]) == refusal_message(_no_role(), dossier("pending")).blocks


@pytest.mark.slow
@given(st.lists(texts, min_size=1, max_size=12))
def test_hostile_titles_give_valid_messages(titles: list[str]) -> None:
    rows = tuple(replace(URGENT, title=title, agent=title, requester=title) for title in titles)
    for answer in (reviews.queue(rows), reviews.mine(rows), reviews.sampled(rows)):
        assert validate_message(payload(answer)) == ()
        assert "ZQX" not in markup(answer.blocks)
        assert re.search("<(?!date)", answer.text) is None


@pytest.mark.parametrize("reason", Reason)
def test_every_refusal_gives_a_valid_message(reason: Reason) -> None:
    facts = dict.fromkeys(("who", "by", "assignee", "because", "fault", "verb"), "<!channel> *x*")
    message = refusal_message(Refusal(reason=reason, facts=facts), dossier("pending"))
    assert validate_message(payload(message)) == ()
    assert "<!channel>" not in message.text
    assert markup(message.blocks) == ""
    assert "Send the enforcement notice to ACME Ltd" in framed_text(message.blocks)


def test_a_refusal_names_people_and_times_as_slack_does() -> None:
    until = (NOW + HOUR).isoformat(timespec="minutes")
    late = refusal_message(refuse(Reason.ALREADY_DECIDED, status="approved", by=f"<@{SENTA}>"))
    asleep = refusal_message(refuse(Reason.IS_DEFERRED, until=until))
    assert [run["user_id"] for run in of_type(late.blocks, "user")] == [SENTA]
    assert late.text == f"This is already approved by <@{SENTA}>. Nothing was changed."
    assert [run["timestamp"] for run in of_type(asleep.blocks, "date")] == [int((NOW + HOUR).timestamp())]
    assert "deferred until 2026-11-20 13:00 UTC." in asleep.text
