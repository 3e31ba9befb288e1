"""The page of a report: every text is text, and nothing on it runs or is fetched."""

from __future__ import annotations

import re
from datetime import timedelta
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blocks.report.charts import Bar, bar_chart
from blocks.report.report import MAX_TYPES, report_page
from rules.oversight.measures import Counted, Figures, compute_figures, compute_times
from rules.oversight.months import Month
from rules.oversight.outcomes import Facts, Result
from rules.oversight.report import Case, Cases, ExceptionOfMonth, PolicyChange, Report
from rules.oversight.statistics import Group, Statistics
from rules.scales import RiskLevel
from rules.state.commands import Verdict
from rules.state.decisions import ExecutionState
from tests.rules.world import NOW

MONTH = Month(2026, 11)
FIGURES = compute_figures(
    [
        Counted(Facts(Result.APPROVED, allowed=True), 37),
        Counted(Facts(Result.APPROVED, allowed=True, incident=True, sampled=True, verdict=Verdict.UNSOUND), 3),
        Counted(Facts(Result.OVERRIDDEN, allowed=True), 2),
        Counted(Facts(Result.AUTOMATIC), 226),
    ],
    compute_times([[[60_000, 7_200_000]], [[10_000, 3_600_000]], [[20_000, 3_000_000]], [[30_000, 600_000]]]),
)


def case(**fields: object) -> Case:
    usual = Case(
        package_id="pkg_1",
        title="Send the notice",
        agent="Clerk",
        action_type="mail.send",
        role="senior_reviewer",
        risk=RiskLevel.HIGH,
        ended_at=NOW,
        facts=Facts(Result.APPROVED, allowed=True, incident=True),
        execution=ExecutionState.FAILED,
        is_revoked=False,
        reason="It could not wait.",
    )
    return usual._replace(**fields)  # type: ignore[arg-type]


def report(figures: Figures = FIGURES, **fields: object) -> Report:
    usual = Report(
        month=MONTH,
        until=MONTH.end,
        made_at=MONTH.end + timedelta(days=1),
        statistics=Statistics(since=MONTH.begin, until=MONTH.end, figures=figures),
        before=Figures(),
        weeks=(Group(name="2026-W45", figures=figures),),
        types=(Group(name="mail.send", figures=figures),),
        overrides=Cases([case()], 1),
        incidents=Cases([case()], 1),
        unsound=Cases([case()], 1),
        exceptions=(HELD,),
        policy_changes=(PolicyChange(NOW, "7", "operator"),),
        policy="7+abc",
    )
    return usual._replace(**fields)  # type: ignore[arg-type]


HELD = ExceptionOfMonth(
    package_id="pkg_ex",
    rule="cost",
    action_types=("refund", "mail.send"),
    agents=("Clerk",),
    begins=NOW,
    ends=NOW + timedelta(days=3),
    is_revoked=True,
    uses=2,
)


class Reader(HTMLParser):
    """The elements of a page, and its visible text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: set[str] = set()
        self.attributes: set[str] = set()
        self.visible: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.visible.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.visible))


HOSTILE = "<script>alert(1)</script>\"'&<img src=x onerror=y>"


def test_texts_of_agents_and_people_are_only_text() -> None:
    bad = case(title=HOSTILE, agent=HOSTILE, action_type=HOSTILE, reason=HOSTILE, role=HOSTILE, package_id=HOSTILE)
    cases, groups = Cases([bad], 1), (Group(name=HOSTILE, figures=FIGURES),)
    page = report_page(
        report(overrides=cases, incidents=cases, unsound=cases, weeks=groups, types=groups, policy=HOSTILE)
    )
    read = Reader(page)
    assert read.elements.isdisjoint({"script", "img", "a", "link", "iframe", "form"})
    assert [name for name in read.attributes if name.startswith("on") or name in ("src", "href")] == []
    assert HOSTILE in read.text


def test_the_page_forbids_scripts_and_everything_from_elsewhere() -> None:
    page = report_page(report())
    assert "default-src 'none'; style-src 'unsafe-inline'" in page
    assert re.findall(r"url\(|@import|https?:", page) == []


def test_the_report_begins_with_what_happened_in_words() -> None:
    text = Reader(report_page(report())).text
    assert "268 reviews ended. People decided 42 of them." in text
    assert "They approved 95% (40 of 42), rejected 0% (0 of 42) and decided against the agent in 5% (2 of 42)." in text
    assert "Half of the decisions took at most 1 minute, nine of ten at most 2 hours." in text
    assert "3 packages were picked for a second look. Unsound among those judged: 3 of 3." in text


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"execution": ExecutionState.FAILED}, "the action failed"),
        ({"execution": ExecutionState.ROLLED_BACK}, "the action was undone"),
        ({"execution": ExecutionState.SUCCEEDED, "is_revoked": True}, "a person revoked it"),
        (
            {"execution": ExecutionState.NONE, "facts": Facts(Result.APPROVED, sampled=True, verdict=Verdict.UNSOUND)},
            "a second look found it unsound",
        ),
        ({"execution": ExecutionState.SUCCEEDED}, "an attempt failed before one succeeded"),
    ],
)
def test_an_incident_says_what_came_of_it(fields: dict[str, object], sentence: str) -> None:
    assert sentence in report_page(report(incidents=Cases([case(**fields)], 1)))


def test_a_month_that_is_not_over_and_one_without_reviews_say_so() -> None:
    assert "not over yet: until 2026-11-20 12:00 UTC" in report_page(report(until=NOW))
    empty = report(Figures(), overrides=Cases(), incidents=Cases(), unsound=Cases(), policy_changes=())
    text = Reader(report_page(empty)).text
    assert "No review ended in this time." in text
    assert "The policy did not change." in text


def test_long_lists_say_how_many_more_there_are() -> None:
    types = tuple(Group(name=f"type.{number}", figures=FIGURES) for number in range(MAX_TYPES + 2))
    text = Reader(report_page(report(types=types, incidents=Cases([case()], 10_000)))).text
    assert "And 2 more action types" in text
    assert "And 9,999 earlier ones" in text


def test_a_deleted_text_is_said_to_be_deleted() -> None:
    assert "(text deleted)" in report_page(report(overrides=Cases([case(title=None, reason=None)], 1)))


@given(st.text(), st.text())
def test_any_text_stays_within_its_cell(title: str, reason: str) -> None:
    usual = Reader(report_page(report())).elements
    page = report_page(report(overrides=Cases([case(title=title, reason=reason)], 1)))
    assert Reader(page).elements <= usual


def test_a_chart_can_be_read_aloud_and_without_its_colours() -> None:
    drawn = bar_chart("name", "How reviews ended", [Bar("approved", 3, "3"), Bar("rejected", 0, "0")])
    assert '<desc id="name-desc">approved: 3; rejected: 0</desc>' in drawn
    assert drawn.count("<text") == 4
    assert 'width="360.0"' in drawn
    assert 'width="0.0"' in drawn
