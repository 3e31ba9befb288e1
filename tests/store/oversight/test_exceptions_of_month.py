"""Exceptions in the measures and in the report of a month."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from rules.oversight.measures import Measure
from rules.oversight.months import Month
from rules.oversight.outcomes import Result
from rules.oversight.report import Report
from rules.state.commands import Revoke
from store.oversight.outcomes import count_all
from store.oversight.report import load_report
from tests.rules.exceptions.excepting import asking, costly, marking
from tests.rules.world import DAY, SENTA, ask
from tests.store.packages.test_exceptions import grant, record_faults
from tests.store.world import LASTING, World, open_world

MARKED = marking("cost", autonomy={"start": "full_auto"}, **LASTING)
NOVEMBER, DECEMBER = Month(2026, 11), Month(2026, 12)


@pytest.fixture
async def marked(database_url: str) -> AsyncIterator[World]:
    async with open_world(database_url, MARKED) as world:
        yield world


async def load(world: World, month: Month) -> Report:
    await count_all(world.store.database)
    return await world.read(lambda connection: load_report(connection, month, world.clock(), MARKED))


async def test_a_revoked_exception_is_no_incident_and_nothing_that_people_let_go_ahead(marked: World) -> None:
    exception = await grant(marked)
    await marked.submit(costly())
    await marked.after(ask(Revoke, exception), SENTA)
    marked.clock.passes(DAY)
    report = await load(marked, NOVEMBER)
    figures = report.statistics.figures
    assert figures.shares[Measure.INCIDENTS].whole == report.incidents.total == 0
    assert figures.shares[Measure.APPROVAL].part == 1
    assert figures.results[Result.EXCEPTED] == 1
    assert await marked.read(record_faults) == []


async def test_the_report_lists_the_exceptions_of_its_month_with_their_uses_in_it(marked: World) -> None:
    exception = await grant(marked)
    for order in "12":
        await marked.submit(costly(action_parameters={"order": order}))
    marked.clock.passes(DAY)
    await marked.after(ask(Revoke, exception), SENTA)
    (held,) = (await load(marked, NOVEMBER)).exceptions
    assert (held.package_id, held.rule, held.agents, held.uses) == (
        exception.decision_package_id,
        "cost",
        ["Clerk"],
        2,
    )
    assert (held.ends - held.begins, held.is_revoked) == (DAY, True)
    marked.clock.passes(DECEMBER.begin + DAY - marked.clock())
    assert (await load(marked, DECEMBER)).exceptions == []


async def test_an_exception_that_nobody_granted_is_not_in_the_report(marked: World) -> None:
    await marked.submit(asking())
    marked.clock.passes(DAY)
    assert (await load(marked, NOVEMBER)).exceptions == []
