"""Exceptions in the database: granted, used, revoked, ended, kept, listed, and proved by the audit."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import Connection, select, text

from rules.reasons import Reason
from rules.scales import HITLLevel
from rules.state.commands import Approve, Reject, Revoke
from rules.state.decisions import Basis
from rules.state.model import PackageState, Status
from rules.state.service_commands import AnnounceEnd, Consent, EndException
from store.audit.reader import verify_database
from store.audit.retention import empty_content
from store.packages.content import load_words
from store.packages.exceptions import MOST_HOLDING, REACH, USES, list_exceptions, lock_granted_exceptions
from tests.rules.exceptions.excepting import asking, costly, marking
from tests.rules.world import DAY, HOUR, SENTA, SUSI, SVEN, ask, package, proven
from tests.store.soundness import faults
from tests.store.world import LASTING, World, open_replica, open_world, submission

MARKED = marking("cost", "confidence", autonomy={"start": "full_auto"}, **LASTING)


@pytest.fixture
async def marked(database_url: str) -> AsyncIterator[World]:
    async with open_world(database_url, MARKED) as world:
        yield world


async def grant(world: World, **parameters: Any) -> PackageState:
    state = await world.submit(asking({"expires_at": (world.clock.now + 3 * DAY).isoformat(), **parameters}))
    for reviewer in (SENTA, SVEN):
        state = await world.after(ask(Approve, state), reviewer)
    return state


def record_faults(connection: Connection) -> list[str]:
    """What violates an invariant of the database, or what the audit finds."""
    return [*faults(connection), *map(str, verify_database(connection))]


def why(answered: Any) -> Reason | None:
    return answered.refusal.reason if answered.refusal else None


async def test_what_an_exception_covers_goes_ahead_and_the_record_proves_it(marked: World) -> None:
    waiting = await marked.submit(costly(action_parameters={"order": "1"}))
    exception = await grant(marked)
    spared = await marked.submit(costly())
    assert (waiting.status, spared.status) == (Status.PENDING, Status.APPROVED)
    assert spared.decision is not None
    assert (spared.decision.basis, spared.decision.grant_id) == (Basis.EXCEPTION, exception.decision_package_id)
    claimed = await marked.claim(spared)
    assert (why(claimed), claimed.document["decision"]["grant_id"]) == (None, exception.decision_package_id)
    assert await marked.read(record_faults) == []


async def test_a_revoked_exception_permits_no_claim_and_the_agent_learns_why(marked: World) -> None:
    exception = await grant(marked)
    spared = await marked.submit(costly())
    await marked.after(ask(Revoke, exception), SUSI)
    refused = await marked.claim(spared)
    assert why(refused) is Reason.APPROVAL_NO_LONGER_VALID
    assert (await marked.state(spared.decision_package_id)).status is Status.REVOKED
    assert (await marked.submit(costly(action_parameters={"order": "2"}))).status is Status.PENDING
    assert await marked.read(record_faults) == []


async def test_an_exception_ends_in_the_middle_of_its_use(marked: World) -> None:
    await grant(marked)
    spared = await marked.submit(costly())
    marked.clock.passes(3 * DAY - HOUR)
    late = await marked.submit(costly(action_parameters={"order": "2"}))
    marked.clock.passes(HOUR)
    assert why(await marked.claim(late)) is Reason.APPROVAL_NO_LONGER_VALID
    assert why(await marked.claim(spared)) is Reason.APPROVAL_LAPSED
    assert (await marked.submit(costly(action_parameters={"order": "3"}))).status is Status.PENDING
    assert await marked.read(record_faults) == []


async def test_the_clock_announces_and_ends_it(marked: World) -> None:
    exception = await grant(marked)
    marked.clock.passes(2 * DAY)
    announced = await marked.after(ask(AnnounceEnd, exception))
    marked.clock.passes(DAY)
    ended = await marked.after(ask(EndException, announced))
    assert (ended.status, ended.is_granted_exception) == (Status.APPROVED, False)
    assert why(await marked.do(ask(EndException, ended))) is Reason.NOT_DUE
    assert await marked.read(record_faults) == []


async def test_silence_counts_for_what_it_made_soft_as_long_as_it_holds(marked: World) -> None:
    exception = await grant(marked, rule="confidence")
    doubtful = package(action_type="refund", confidence=0.6, risk_level="medium")
    consented, hardened = [
        await marked.submit_and_show(doubtful.model_copy(update={"action_parameters": {"order": order}}))
        for order in "12"
    ]
    marked.clock.passes(HOUR)
    first = await marked.after(ask(Consent, consented, silence=proven(consented)))
    await marked.after(ask(Revoke, exception), SENTA)
    second = await marked.after(ask(Consent, hardened, silence=proven(hardened)))
    assert [first.status, second.status, second.why[0].rule] == [Status.CONSENTED, Status.PENDING, "exception-lost"]
    assert await marked.read(record_faults) == []


async def test_it_serves_the_agents_that_it_names_and_no_other(marked: World) -> None:
    ally, other = await marked.hire("Ally"), await marked.hire("Other")
    await grant(marked, agents=["Ally"])
    states = [await marked.submit(costly(thread_id=None), agent) for agent in (ally, other, marked.agent)]
    assert [state.status for state in states] == [Status.APPROVED, Status.PENDING, Status.PENDING]


async def test_an_unknown_agent_cannot_be_named(marked: World) -> None:
    answered = await marked.execute_for_agent(submission(asking({"agents": ["Nobody"]})))
    assert why(answered) is Reason.EXCEPTION_NOT_VALID


async def test_another_replica_honours_it_and_its_revocation(marked: World) -> None:
    exception = await grant(marked)
    async with open_replica(marked.url, MARKED, marked.clock) as other:
        other.agent = marked.agent
        spared = await other.submit(costly())
        await marked.after(ask(Revoke, exception), SENTA)
        refused = await other.claim(spared)
    assert (spared.status, why(refused)) == (Status.APPROVED, Reason.APPROVAL_NO_LONGER_VALID)


async def test_a_claim_and_a_revocation_at_once_leave_one_true_record(marked: World) -> None:
    """Whichever commits first: a claim after an answered revocation is refused."""
    for number in range(4):
        exception = await grant(marked, requested_exception=f"Number {number}.")
        spared = await marked.submit(costly(action_parameters={"order": number}))
        async with open_replica(marked.url, MARKED, marked.clock) as other:
            other.agent = marked.agent
            claimed, revoked = await asyncio.gather(other.claim(spared), marked.do(ask(Revoke, exception), SENTA))
        assert revoked.refusal is None
        assert why(claimed) in (None, Reason.APPROVAL_NO_LONGER_VALID)
        assert why(await marked.claim(spared, claim_id="clm_late")) is not None
    assert await marked.read(record_faults) == []


async def test_retention_keeps_what_an_exception_allows_as_long_as_it_holds(marked: World) -> None:
    exception = await grant(marked)
    marked.clock.passes(2 * DAY)

    async def words() -> Any:
        def operation(connection: Any) -> Any:
            empty_content(connection, marked.tenant_id, marked.clock.now, 100)
            return load_words(connection, marked.tenant_id, exception.version_event_id)

        return await marked.write(operation)

    kept = await words()
    await marked.after(ask(Revoke, exception), SENTA)
    marked.clock.passes(HOUR)
    assert (bool(kept), await words()) == (True, {})


async def test_the_list_has_what_holds_what_is_asked_for_and_what_ended_lately_with_its_uses(marked: World) -> None:
    holding = await grant(marked)
    for order in "12":
        await marked.submit(costly(action_parameters={"order": order}))
    rejected = await marked.submit(asking({"requested_exception": "Another."}))
    await marked.after(ask(Reject, rejected), SENTA)
    asked = await marked.submit(asking({"requested_exception": "A third."}))

    async def listed() -> dict[str, int]:
        rows = await marked.read(lambda connection: list_exceptions(connection, marked.tenant_id, marked.clock.now))
        return {row.state.decision_package_id: row.uses for row in rows}

    ids = [state.decision_package_id for state in (holding, rejected, asked)]
    assert await listed() == dict(zip(ids, (2, 0, 0), strict=True))
    marked.clock.passes(31 * DAY)
    assert (await listed()).keys() == {ids[0], ids[2]}  # the clock ends the one and the other


async def test_a_policy_without_marks_reads_no_exceptions(database_url: str) -> None:
    async with open_world(database_url) as world:
        await world.write(lambda connection: connection.execute(text("DROP TABLE exceptions")))
        assert (await world.submit(costly())).level is HITLLevel.HARD_APPROVAL


async def test_a_use_is_counted_once_for_each_package(marked: World) -> None:
    await grant(marked)
    spared = await marked.submit(costly())
    rows = await marked.read(lambda connection: connection.execute(select(USES.c.package_id)).scalars().all())
    assert rows == [spared.decision_package_id]


async def test_a_submission_reads_and_locks_only_the_exceptions_for_its_agent_and_type(marked: World) -> None:
    exception = await grant(marked)
    await grant(marked, action_types=["mail.send"], requested_exception="Another type.")
    other = await marked.hire("Other")

    async def held(agent_id: str, action_type: str) -> list[str]:
        def operation(connection: Connection) -> list[str]:
            states = lock_granted_exceptions(connection, marked.tenant_id, agent_id, action_type, None)
            return [state.decision_package_id for state in states]

        return await marked.write(operation)

    assert await held(exception.agent_id, "refund") == [exception.decision_package_id]
    assert await held(exception.agent_id, "payment") == await held(other.agent_id, "refund") == []


async def grant_for(world: World, customer: str) -> PackageState:
    ends = {"expires_at": (world.clock.now + 3 * DAY).isoformat()}
    state = await world.submit(asking(ends, subject_type="customer", subject_id=customer, thread_id=None))
    for reviewer in (SENTA, SVEN):
        state = await world.after(ask(Approve, state), reviewer)
    return state


async def test_exceptions_for_other_subjects_do_not_count_towards_the_most_that_are_considered(marked: World) -> None:
    granted = [await grant_for(marked, f"customer-{number}") for number in range(MOST_HOLDING + 1)]

    def operation(connection: Connection) -> list[list[PackageState]]:
        return [
            list(lock_granted_exceptions(connection, marked.tenant_id, state.agent_id, "refund", state.subject_digest))
            for state in granted
        ]

    held = [[state.decision_package_id for state in states] for states in await marked.write(operation)]
    assert held == [[state.decision_package_id] for state in granted]
    spared = await marked.submit(costly(subject_type="Customer", subject_id="customer-7"))
    assert (spared.status, (await marked.submit(costly())).status) == (Status.APPROVED, Status.PENDING)


async def test_a_type_that_is_named_twice_counts_once(marked: World) -> None:
    exception = await grant(marked, action_types=["refund", "refund"])
    assert exception.exception is not None
    assert exception.exception.action_types == ("refund",)
    assert (await marked.submit(costly())).status is Status.APPROVED
    assert await marked.read(record_faults) == []


async def test_a_permission_ends_if_the_agent_gets_another_owner(marked: World) -> None:
    await grant(marked)
    spared = await marked.submit(costly())
    await marked.write(lambda connection: connection.execute(text("UPDATE agents SET owner = 'URITA'")))
    assert why(await marked.claim(spared)) is Reason.APPROVAL_NO_LONGER_VALID


async def test_what_a_submission_searches_ends_with_the_exception(marked: World) -> None:
    revoked = await grant(marked)
    ended = await grant(marked, action_types=["refund", "mail.send"], requested_exception="Two types.")

    async def reached() -> list[tuple[str, str]]:
        query = select(REACH.c.exception_id, REACH.c.action_type).order_by(*REACH.c)
        return [tuple(row) for row in await marked.read(lambda connection: connection.execute(query).all())]

    assert len(await reached()) == 3
    await marked.after(ask(Revoke, revoked), SENTA)
    assert {exception_id for exception_id, _ in await reached()} == {ended.decision_package_id}
    marked.clock.passes(3 * DAY)
    await marked.after(ask(EndException, ended))
    assert await reached() == []
