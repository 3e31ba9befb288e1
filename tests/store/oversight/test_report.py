"""The report of a month on both databases: its numbers are those of the statistics, its cases those of the record."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from rules.oversight.measures import Measure
from rules.oversight.months import Month
from rules.oversight.report import Report
from rules.policy.model import Policy
from rules.state.commands import Approve, HumanOverrideCommand, Reject
from store.audit.retention import empty_content
from store.commands.policies import PolicyFile, activate_policy
from store.oversight import report as reports
from store.oversight.outcomes import count_all
from store.oversight.report import load_report
from tests.rules.world import DAY, MINUTE, SENTA, ask, policy, policy_text
from tests.store.oversight.history import count_by_hand, live_through, unrelated
from tests.store.oversight.test_statistics import BUSY
from tests.store.world import World, open_world

NOVEMBER, DECEMBER = Month(2026, 11), Month(2026, 12)


@pytest.fixture
async def busy(database_url: str) -> AsyncIterator[World]:
    """After some weeks of reviews, in November and December."""
    async with open_world(database_url, BUSY) as world:
        await live_through(world)
        yield world


async def load(world: World, month: Month, given: Policy = BUSY) -> Report:
    await count_all(world.store.database)
    return await world.read(lambda connection: load_report(connection, month, world.clock(), given))


async def test_the_months_together_have_the_numbers_of_a_count_by_hand(busy: World) -> None:
    by_hand = await busy.read(lambda connection: count_by_hand(connection, busy.tenant_id))
    one, other = [(await load(busy, month)).statistics.figures for month in (NOVEMBER, DECEMBER)]
    together = {
        measure.value: (
            one.shares[measure].part + other.shares[measure].part,
            one.shares[measure].whole + other.shares[measure].whole,
        )
        for measure in Measure
    }
    assert together == by_hand


async def test_the_month_before_is_beside_it(busy: World) -> None:
    december = await load(busy, DECEMBER)
    assert december.before == (await load(busy, NOVEMBER)).statistics.figures
    assert december.before.ended > 0
    assert (december.is_over, (await load(busy, NOVEMBER)).is_over) == (False, True)


async def test_weeks_and_types_add_up_to_the_month(busy: World) -> None:
    report = await load(busy, NOVEMBER)
    for groups in (report.weeks, report.types):
        assert sum(group.figures.ended for group in groups) == report.statistics.figures.ended


async def test_the_cases_are_as_many_as_the_measures_count(busy: World) -> None:
    report = await load(busy, DECEMBER)
    shares = report.statistics.figures.shares
    assert report.overrides.total == len(report.overrides.shown) == shares[Measure.OVERRIDE].part == 1
    assert report.incidents.total == len(report.incidents.shown) == shares[Measure.INCIDENTS].part == 4
    assert report.unsound.total == len(report.unsound.shown) == shares[Measure.DEFECTS].part == 3


async def test_a_review_that_ends_in_the_first_moment_of_a_month_belongs_to_it(world: World) -> None:
    state = await world.submit(unrelated("high"))
    world.clock.passes(DECEMBER.begin - world.clock())
    await world.after(ask(Reject, state), SENTA)
    world.clock.passes(MINUTE)
    assert (await load(world, DECEMBER)).statistics.figures.ended == 1
    assert (await load(world, NOVEMBER)).statistics.figures.ended == 0


async def overridden(world: World) -> None:
    command = ask(HumanOverrideCommand, await world.submit(unrelated("high")), override_reason="The audit is tomorrow.")
    await world.after(command, SENTA)
    world.clock.passes(MINUTE)


@pytest.mark.parametrize(
    ("redacted", "title", "reason"),
    [
        ([], "Read the record", "The audit is tomorrow."),
        (["package.title"], "redacted", "The audit is tomorrow."),
        (["package"], "redacted", "The audit is tomorrow."),
        (["comment"], "Read the record", "redacted"),
    ],
)
async def test_texts_that_the_policy_redacts_stay_out(
    world: World, redacted: list[str], title: str, reason: str
) -> None:
    await overridden(world)
    (case,) = (await load(world, NOVEMBER, policy(feedback={"redact": redacted}))).overrides.shown
    assert (case.title, case.reason) == (title, reason)


async def test_texts_that_retention_has_emptied_are_missing_and_the_case_stays(world: World) -> None:
    await overridden(world)
    later = world.clock() + DAY
    assert await world.write(lambda connection: empty_content(connection, world.tenant_id, later, 9)) == 1
    (case,) = (await load(world, NOVEMBER)).overrides.shown
    assert (case.title, case.reason, case.agent) == (None, None, "Clerk")


async def test_of_many_cases_the_newest_are_shown_and_all_are_counted(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reports, "MAX_CASES", 2)
    for _ in range(3):
        await overridden(world)
    cases = (await load(world, NOVEMBER)).overrides
    assert (cases.total, len(cases.shown)) == (3, 2)
    assert cases.shown[0].ended_at > cases.shown[1].ended_at


async def test_a_failure_that_was_undone_by_a_retry_stays_an_incident(world: World) -> None:
    state = await world.submit(unrelated("high"))
    await world.after(ask(Approve, state), SENTA)
    await world.claim(state)
    await world.report(state, "failed")
    world.clock.passes(MINUTE)
    (case,) = (await load(world, NOVEMBER)).incidents.shown
    assert (case.package_id, case.execution) == (state.decision_package_id, "failed")


async def test_the_changes_of_the_policy_in_the_month_are_listed_newest_first(world: World) -> None:
    other = policy(version="test-2")
    await world.write(
        lambda connection: activate_policy(connection, PolicyFile(other, policy_text(other)), world.clock())
    )
    world.clock.passes(DECEMBER.begin + DAY - world.clock())
    changes = (await load(world, NOVEMBER)).policy_changes
    assert [change.version for change in changes] == ["test-2", "test-1"]
    assert (await load(world, DECEMBER)).policy_changes == []
