"""A gated function runs after approval, once, with exactly the arguments that were approved; or not at all."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from countersign import (
    AsyncClient,
    Cancelled,
    Client,
    Executed,
    ExecutedError,
    Expired,
    ExpiredError,
    LapsedError,
    MisfitError,
    OutcomeUnknownError,
    Overridden,
    Rejected,
    RejectedError,
    Revise,
    RevisionWantedError,
    RevokedError,
    StillPendingError,
    TakenOver,
    Unknown,
    UnreportedError,
    gate,
    run,
)
from rules.commands import Revoke, Verb
from tests.rules.world import DAY, HOUR
from tests.sdk.agents import QUICK, Agent
from tests.slack.office import SENTA, SUSI, Office


class Records:
    """What is done for real: each call is kept."""

    def __init__(self) -> None:
        self.read_ones: list[Any] = []

    def read(self, record: str, copies: int = 1) -> str:
        """Read a record."""
        self.read_ones.append((record, copies))
        return f"record {record}"


@pytest.fixture
def records() -> Records:
    return Records()


async def approve(agent: Agent) -> None:
    await agent.office.approve(SENTA, await agent.card(await agent.proposed()))


async def give(agent: Agent, verb: Verb, **values: Any) -> None:
    await agent.office.give(SENTA, await agent.card(await agent.proposed()), verb, values)


async def test_it_runs_after_approval_with_its_own_arguments_and_reports(agent: Agent, records: Records) -> None:
    calling = asyncio.ensure_future(agent.gated(records.read)("42"))
    await approve(agent)
    assert await calling == "record 42"
    assert records.read_ones == [("42", 1)]
    package = await agent.proposed("approved")
    assert package.body["execution"]["state"] == "succeeded"
    assert package.body["decision"]["action_parameters"] == {"record": "42", "copies": 1}


async def test_it_does_not_run_before(agent: Agent, records: Records) -> None:
    calling = asyncio.ensure_future(agent.gated(records.read)("42"))
    await agent.proposed()
    assert records.read_ones == []
    await approve(agent)
    await calling


async def test_what_needs_nobody_runs_at_once(agent: Agent, records: Records) -> None:
    assert await agent.gated(records.read, risk_level="low")("42") == "record 42"


async def test_it_runs_with_the_arguments_as_edited(agent: Agent, records: Records) -> None:
    calling = asyncio.ensure_future(agent.gated(records.read)("42"))
    card = await agent.card(await agent.proposed())
    await agent.office.edit(SENTA, card, '{"record": "43", "copies": 2}')
    await agent.office.approve(SUSI, await agent.card(await agent.proposed()))
    assert await calling == "record 43"
    assert records.read_ones == [("43", 2)]


@pytest.mark.parametrize(
    ("edited", "wrong"),
    [
        ('{"record": 43, "copies": 1}', "record"),
        ('{"record": "43", "copies": true}', "copies"),
        ('{"record": "43", "copies": 1, "more": 1}', "action_parameters"),
        ('{"copies": 1}', "action_parameters"),
    ],
    ids=["wrong type", "a boolean is no number", "one too many", "one missing"],
)
async def test_an_edit_that_does_not_fit_the_function_takes_no_permission(
    agent: Agent, records: Records, edited: str, wrong: str
) -> None:
    calling = asyncio.ensure_future(agent.gated(records.read)("42"))
    await agent.office.edit(SENTA, await agent.card(await agent.proposed()), edited)
    await agent.office.approve(SUSI, await agent.card(await agent.proposed()))
    with pytest.raises(MisfitError) as misfit:
        await calling
    assert misfit.value.parameter == wrong
    assert records.read_ones == []
    assert (await agent.proposed("approved")).body["execution"]["state"] == "none"


async def test_what_is_changed_while_people_decide_does_not_come_through(agent: Agent) -> None:
    ran: list[list[str]] = []

    def delete(records: list[str]) -> None:
        ran.append(records)

    mine = ["42"]
    calling = asyncio.ensure_future(agent.gated(delete)(mine))
    await agent.proposed()
    mine.append("43")
    await approve(agent)
    await calling
    assert ran == [["42"]]


async def test_a_rejection_is_raised_with_its_reason_and_nothing_runs(agent: Agent, records: Records) -> None:
    calling = asyncio.ensure_future(agent.gated(records.read)("42"))
    await give(agent, Verb.REJECT, comment="Not this one.")
    with pytest.raises(RejectedError, match="Not this one") as refused:
        await calling
    assert isinstance(refused.value.outcome, Rejected)
    assert records.read_ones == []


async def test_or_given_back_by_choice(agent: Agent, records: Records) -> None:
    calling = asyncio.ensure_future(agent.gated(records.read, refusals="return")("42"))
    await give(agent, Verb.REJECT, comment="Not this one.")
    assert isinstance(await calling, Rejected)
    assert records.read_ones == []


async def test_time_that_ran_out_is_not_a_rejection(agent: Agent, records: Records) -> None:
    end = (agent.office.clock() + HOUR).isoformat()
    calling = asyncio.ensure_future(agent.gated(records.read, expires_at=end)("42"))
    await agent.proposed()
    await agent.office.passes(2 * HOUR)
    with pytest.raises(ExpiredError) as expired:
        await calling
    assert not isinstance(expired.value, RejectedError)
    assert isinstance(expired.value.outcome, Expired)


async def test_its_own_patience_ends_without_a_refusal_and_it_can_be_called_again(
    agent: Agent, records: Records
) -> None:
    read = agent.gated(records.read, timeout=0.2)
    with run("run-1"):
        with pytest.raises(StillPendingError):
            await read("42")
        await approve(agent)
        assert await read("42") == "record 42"
    assert records.read_ones == [("42", 1)]


@pytest.mark.parametrize("decision", ["stop", "other"])
async def test_an_override_that_does_not_proceed_lets_nothing_through(
    agent: Agent, records: Records, decision: str
) -> None:
    calling = asyncio.ensure_future(agent.gated(records.read, recommendation="clarify", refusals="return")("42"))
    await give(agent, Verb.OVERRIDE, override_decision=decision, override_reason="I know it.", evidence_refs="doc 2")
    assert isinstance(await calling, Overridden)
    assert records.read_ones == []


async def test_an_override_to_proceed_lets_it_through(agent: Agent, records: Records) -> None:
    calling = asyncio.ensure_future(agent.gated(records.read, recommendation="clarify")("42"))
    await give(agent, Verb.OVERRIDE, override_decision="proceed", override_reason="I know it.", evidence_refs="doc 2")
    assert await calling == "record 42"


async def test_a_takeover_lets_nothing_through(agent: Agent, records: Records) -> None:
    calling = asyncio.ensure_future(agent.gated(records.read, refusals="return")("42"))
    await give(agent, Verb.TAKE_OVER, comment="I do it.")
    assert isinstance(await calling, TakenOver)
    assert records.read_ones == []


async def test_a_function_that_raises_has_failed_and_is_not_run_again(agent: Agent) -> None:
    ran: list[str] = []

    def pay(order: str) -> None:
        ran.append(order)
        raise ConnectionError("the bank hung up")

    gated = agent.gated(pay)
    with run("run-1"):
        calling = asyncio.ensure_future(gated("456"))
        await approve(agent)
        with pytest.raises(ConnectionError, match="hung up"):
            await calling
        assert (await agent.proposed("approved")).body["execution"]["state"] == "failed"
        with pytest.raises(ExecutedError) as executed:
            await gated("456")
    assert isinstance(executed.value.outcome, Executed)
    assert executed.value.outcome.state == "failed"
    assert ran == ["456"]


async def test_a_run_that_comes_to_the_same_step_again_does_not_do_it_again(agent: Agent, records: Records) -> None:
    read = agent.gated(records.read)
    with run("run-1"):
        calling = asyncio.ensure_future(read("42"))
        await approve(agent)
        await calling
        with pytest.raises(ExecutedError, match="do not run it again"):
            await read("42")
    assert records.read_ones == [("42", 1)]


async def test_two_workers_with_one_approval_run_it_once(agent: Agent, records: Records) -> None:
    read = agent.gated(records.read, refusals="return")
    with run("run-1"):
        workers = [asyncio.ensure_future(read("42")) for _ in range(2)]
        await approve(agent)
        done = await asyncio.gather(*workers)
    assert [each for each in done if not isinstance(each, Executed | Unknown)] == ["record 42"]
    assert records.read_ones == [("42", 1)]


class Ended(BaseException):
    """From outside, as a signal or the end of a task ends a function."""


async def test_what_is_ended_half_way_is_unknown_and_never_run_again(agent: Agent) -> None:
    ran: list[str] = []

    def pay(order: str) -> None:
        ran.append(order)
        raise Ended

    gated = agent.gated(pay)
    with run("run-1"):
        calling = asyncio.ensure_future(gated("456"))
        await approve(agent)
        with pytest.raises(Ended):
            await calling
        with pytest.raises(OutcomeUnknownError, match="whether it ran is unknown") as unknown:
            await gated("456")
        assert isinstance(unknown.value.outcome, Unknown)
        await agent.office.passes(2 * HOUR)
        with pytest.raises(OutcomeUnknownError):
            await gated("456")
    assert (await agent.proposed("approved")).body["execution"]["state"] == "unknown"
    assert ran == ["456"]


async def test_an_approval_that_lapsed_is_told_as_that(agent: Agent, records: Records) -> None:
    read = agent.gated(records.read, timeout=0.2)
    with run("run-1"):
        with pytest.raises(StillPendingError):
            await read("42")
        await approve(agent)
        await agent.office.passes(3 * DAY)
        with pytest.raises(LapsedError):
            await read("42")
    assert records.read_ones == []


async def test_an_approval_that_was_revoked_is_told_as_that(agent: Agent, records: Records) -> None:
    read = agent.gated(records.read, timeout=0.2)
    with run("run-1"):
        with pytest.raises(StillPendingError):
            await read("42")
        await approve(agent)
        await agent.office.decide(Revoke, await agent.proposed("approved"), by=SENTA)
        with pytest.raises(RevokedError):
            await read("42")
    assert records.read_ones == []


async def test_without_a_rework_a_wish_for_changes_is_a_refusal(agent: Agent, records: Records) -> None:
    calling = asyncio.ensure_future(agent.gated(records.read)("42"))
    await give(agent, Verb.REVISE, instructions="Read record 43.")
    with pytest.raises(RevisionWantedError) as wanted:
        await calling
    assert isinstance(wanted.value.outcome, Revise)
    assert wanted.value.outcome.instructions == "Read record 43."


async def test_a_rework_answers_with_new_arguments_and_those_run(agent: Agent, records: Records) -> None:
    def rework(wanted: Revise, record: str) -> dict[str, Any]:
        return {"action_parameters": {"record": wanted.instructions[-3:-1]}, "rationale": f"Not {record}."}

    calling = asyncio.ensure_future(agent.gated(records.read, revise=rework)("42"))
    await give(agent, Verb.REVISE, instructions="Read record 43.")
    card = await agent.card(await agent.proposed())
    assert "read(record='43', copies=1)" in card.shown
    await agent.office.approve(SENTA, card)
    assert await calling == "record 43"


async def test_reworks_have_an_end_and_then_nobody_is_left_waiting(agent: Agent, records: Records) -> None:
    copies = iter(range(2, 9))

    def rework(_: Revise) -> dict[str, Any]:
        return {"action_parameters": {"copies": next(copies)}}

    calling = asyncio.ensure_future(agent.gated(records.read, revise=rework, revisions=2, refusals="return")("42"))
    for _ in range(3):
        await give(agent, Verb.REVISE, instructions="Another number.")
    assert isinstance(await calling, Cancelled)
    assert records.read_ones == []


async def test_everything_that_is_said_may_follow_from_the_arguments(agent: Agent, records: Records) -> None:
    said = {
        "title": lambda record: f"Read record {record}",
        "confidence": lambda copies: 0.9 if copies > 1 else 0.95,
        "evidence_refs": lambda record: [f"request for {record}"],
        "reversibility": "reversible",
    }
    calling = asyncio.ensure_future(agent.gated(records.read, **said)("42", copies=2))
    card = await agent.card(await agent.proposed())
    assert "Read record 42" in card.shown
    await agent.office.approve(SENTA, card)
    assert await calling == "record 42"


async def test_arguments_of_any_length_and_kind_can_be_asked_for(agent: Agent) -> None:
    def write(text: str) -> int:
        """Write it down.

        Line by line.
        """
        return len(text)

    text = "\x1b[31m\u202e\n<!channel>" + "x" * 9000
    shown = text.replace("\x1b", "")  # no control character is a parameter that people could read
    calling = asyncio.ensure_future(agent.gated(write)(shown))
    card = await agent.card(await agent.proposed())
    assert "Write it down." in card.shown
    await agent.office.approve(SENTA, card)
    assert await calling == len(shown)


async def test_context_is_passed_on_and_not_shown(agent: Agent) -> None:
    def read(connection: object, record: str) -> object:
        return connection, record

    mine = object()
    calling = asyncio.ensure_future(agent.gated(read, context=["connection"])(mine, "42"))
    await approve(agent)
    assert await calling == (mine, "42")
    decision = (await agent.proposed("approved")).body["decision"]
    assert decision["action_parameters"] == {"record": "42"}


async def test_the_types_that_arguments_had_come_back(agent: Agent) -> None:
    def book(at: datetime, seats: list[tuple[int, str]]) -> tuple[Any, ...]:
        return at, seats

    at = datetime(2026, 12, 24, 18, tzinfo=UTC)
    calling = asyncio.ensure_future(agent.gated(book)(at, [(1, "a")]))
    await approve(agent)
    assert await calling == (at, [(1, "a")])


async def test_an_outcome_that_cannot_be_reported_keeps_the_result(agent: Agent, records: Records) -> None:
    def read(record: str) -> str:
        agent.network.down = True
        return records.read(record)

    calling = asyncio.ensure_future(agent.gated(read)("42"))
    await approve(agent)
    with pytest.raises(UnreportedError, match="Do not run it again") as unreported:
        await calling
    agent.network.down = False
    assert unreported.value.result == "record 42"
    told = unreported.value
    handle = await agent.client.handle(told.decision_package_id, claim_id=told.claim_id)
    await handle.succeeded()
    assert await agent.execution(handle) == "succeeded"


async def test_a_fault_stays_the_news_where_it_cannot_be_reported(agent: Agent) -> None:
    def pay() -> None:
        agent.network.down = True
        raise ConnectionError("the bank hung up")

    calling = asyncio.ensure_future(agent.gated(pay)())
    await approve(agent)
    with pytest.raises(ConnectionError, match="hung up") as fault:
        await calling
    assert "could not be reported" in fault.value.__notes__[0]


async def test_a_lost_reply_at_any_point_runs_it_once(agent: Agent, records: Records) -> None:
    calling = asyncio.ensure_future(agent.gated(records.read)("42"))
    card = await agent.card(await agent.proposed())
    agent.network.answers_to_lose = 3  # to the poll, to the claim, to the report
    await agent.office.approve(SENTA, card)
    assert await calling == "record 42"
    assert (agent.network.answers_to_lose, records.read_ones) == (0, [("42", 1)])
    assert (await agent.proposed("approved")).body["execution"]["state"] == "succeeded"


def test_a_gate_says_at_once_what_it_cannot_carry() -> None:
    def shown(connection: Records) -> None: ...
    def listed(*records: str) -> None: ...

    quick = gate(risk_level="high", confidence=0.9)
    with pytest.raises(TypeError, match="name it in `context`"):
        quick(shown)
    with pytest.raises(TypeError, match="take a list instead"):
        quick(listed)
    with pytest.raises(TypeError, match="no parameter missing"):
        gate(risk_level="high", confidence=0.9, context=["missing"])(shown)


async def test_a_function_that_gives_a_coroutine_has_failed_because_nobody_ran_it(
    office: Office, records: Records
) -> None:
    async def read(record: str) -> str:
        return records.read(record)

    def plain(record: str) -> Any:
        return read(record)

    with Client(office.url, office.key, patience=QUICK) as client:
        gated = gate("record.read", risk_level="low", confidence=0.95, client=client)(plain)
        with pytest.raises(TypeError, match="make it an async def"):
            await asyncio.to_thread(gated, "42")
    (package,) = (await office.get("/v1/packages")).body["packages"]
    assert (package["execution"]["state"], records.read_ones) == ("failed", [])


def test_a_generator_is_refused_because_it_would_be_done_before_it_began() -> None:
    def each() -> Iterator[int]:
        yield 1

    async def each_too() -> AsyncIterator[int]:
        yield 1

    for function in (each, each_too):
        with pytest.raises(TypeError, match="before it began"):
            gate(risk_level="low", confidence=0.9)(function)


def test_a_gated_function_looks_like_itself_and_leads_to_it_by_no_other_way(records: Records) -> None:
    gated = gate(risk_level="high", confidence=0.9)(records.read)
    assert (gated.__name__, gated.__doc__) == ("read", "Read a record.")
    assert str(inspect.signature(gated)) == "(record: str, copies: int = 1) -> str"
    assert not hasattr(gated, "__wrapped__")


async def test_a_method_is_gated_with_its_object_as_context(office: Office) -> None:
    client = AsyncClient(office.url, office.key, patience=QUICK)

    class Desk:
        name = "front"

        @gate(risk_level="low", confidence=0.95, rationale="Asked for.", client=client, action_type="record.read")
        async def read(self, record: str) -> str:
            return f"{self.name}: {record}"

    assert await Desk().read("42") == "front: 42"
    await client.close()


async def test_a_gate_without_a_client_makes_its_own_from_the_environment(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COUNTERSIGN_URL", office.url)
    monkeypatch.setenv("COUNTERSIGN_AGENT_KEY", office.key)

    @gate("record.read", risk_level="low", confidence=0.95)
    def read(record: str) -> str:
        return record

    @gate("record.read", risk_level="low", confidence=0.95)
    async def read_too(record: str) -> str:
        return record

    assert await asyncio.to_thread(read, "42") == "42"
    assert await read_too("43") == "43"


def test_a_gate_wants_the_client_that_fits_its_function(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COUNTERSIGN_AGENT_KEY", "csk_1")

    def sync() -> None: ...
    async def awaited() -> None: ...

    with pytest.raises(TypeError, match="give its gate a Client"):
        gate(risk_level="low", confidence=1.0, client=AsyncClient())(sync)
    with pytest.raises(TypeError, match="give its gate an AsyncClient"):
        gate(risk_level="low", confidence=1.0, client=Client())(awaited)
