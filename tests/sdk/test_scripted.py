"""A scripted reviewer stands in for the service in tests of agents, and enforces the service's rules."""

from __future__ import annotations

import asyncio
import os
from typing import Any

import pytest

from countersign import (
    AlreadyClaimedError,
    AlreadyDecidedError,
    Answered,
    Approved,
    AsyncClient,
    Cancelled,
    Client,
    Consented,
    Deferred,
    DigestMismatchError,
    EvidenceWanted,
    Expired,
    IdempotencyConflictError,
    InvalidProposalError,
    LapsedError,
    MayNotProceedError,
    NotFoundError,
    OutcomeUnknownError,
    Overridden,
    ProblemError,
    Rejected,
    RejectedError,
    Revise,
    StaleVersionError,
    TakenOver,
    gate,
    testing,
)
from countersign.scripted import read_recorded
from countersign.testing import ScriptedReviewer, Step
from tests.bot.slack.office import HARD

STEPS: list[tuple[Step, type[Any]]] = [
    (testing.approve(), Approved),
    (testing.settle(), Approved),
    (testing.consent(), Consented),
    (testing.reject("No."), Rejected),
    (testing.revise("Another."), Revise),
    (testing.want_evidence("Show it."), EvidenceWanted),
    (testing.defer("Later."), Deferred),
    (testing.override("proceed", "I know."), Overridden),
    (testing.take_over("Mine."), TakenOver),
    (testing.answer("Blue."), Answered),
    (testing.expire(), Expired),
    (testing.cancel(), Cancelled),
]

BACK = read_recorded("handed_back")


@gate("record.read", risk_level="high", confidence=0.9, revise=lambda _: {"action_parameters": {"record": "43"}})
def read(record: str) -> str:
    """Read a record."""
    return f"record {record}"


@pytest.mark.parametrize(("step", "kind"), STEPS, ids=[step.recorded for step, _ in STEPS])
def test_each_step_gives_its_outcome(step: Step, kind: type[Any]) -> None:
    with ScriptedReviewer(step) as reviewer, Client() as client:
        assert type(client.request(**HARD).wait()) is kind
        assert reviewer.left == 0


def test_a_gate_finds_the_script_through_the_environment() -> None:
    before = dict(os.environ)
    with ScriptedReviewer(testing.approve()) as reviewer:
        assert read("42") == "record 42"
        assert (reviewer.executions, reviewer.proposals[0]["action_parameters"]) == (["succeeded"], {"record": "42"})
    assert dict(os.environ) == before


def test_the_edited_arguments_run() -> None:
    with ScriptedReviewer(testing.approve(edited={"record": "44"})):
        assert read("42") == "record 44"


def test_a_script_can_ask_for_changes_first() -> None:
    with ScriptedReviewer(testing.defer(), testing.revise("43, please."), testing.approve("Good.")) as reviewer:
        assert read("42") == "record 43"
        assert [proposal["action_parameters"]["record"] for proposal in reviewer.proposals] == ["42", "43"]
        assert reviewer.documents[0]["decision"]["comment"] == "Good."


def test_a_script_can_fill_in_a_form() -> None:
    with ScriptedReviewer(testing.answer("units: 4", data={"units": 4})), Client() as client:
        outcome = client.request(**HARD).wait()
        assert isinstance(outcome, Answered)
        assert (outcome.answer, outcome.answer_data) == ("units: 4", {"units": 4})


def test_a_script_refuses_as_the_service_does() -> None:
    with ScriptedReviewer(testing.reject("Not this one."), testing.lapse(), testing.lose_track()):
        with pytest.raises(RejectedError, match="Not this one"):
            read("42")
        with pytest.raises(LapsedError):
            read("42")
        with pytest.raises(OutcomeUnknownError):
            read("42")


def test_a_script_that_is_too_short_says_so() -> None:
    with ScriptedReviewer(), pytest.raises(ProblemError, match="The script has ended"):
        read("42")


def test_a_script_can_take_over_and_hand_back() -> None:
    with ScriptedReviewer(testing.take_over("Mine."), testing.hand_back()) as reviewer, Client() as client:
        handle = client.request(**HARD, thread_id="thr-1")
        assert isinstance(handle.wait(), TakenOver)
        handle.handed_back()
        document = reviewer.documents[0]
        assert (document["agent_message"], document["decision"]["comment"]) == (BACK["agent_message"], "Mine.")


def test_waiting_for_a_hand_back_that_the_script_lacks_raises() -> None:
    with ScriptedReviewer(testing.take_over("Mine.")), Client() as client:
        handle = client.request(**HARD, thread_id="thr-1")
        with pytest.raises(ProblemError, match="The script has ended"):
            handle.handed_back()


async def test_a_script_serves_async_agents() -> None:
    with ScriptedReviewer(testing.approve(), testing.approve()) as reviewer:
        async with AsyncClient() as client:
            handles = await asyncio.gather(client.request(**HARD), client.request(**HARD))
            outcomes = await asyncio.gather(*(handle.wait() for handle in handles))
    assert [type(handle) for handle in outcomes] == [Approved, Approved]
    assert len(reviewer.documents) == 2


def test_a_script_enforces_the_rules_of_the_service() -> None:
    with ScriptedReviewer(testing.approve(), testing.reject("No.")), Client() as client:
        handle = client.request(**HARD, idempotency_key="key-1")
        assert client.request(**HARD, idempotency_key="key-1").decision_package_id == handle.decision_package_id
        with pytest.raises(IdempotencyConflictError):
            client.request(**{**HARD, "title": "Other"}, idempotency_key="key-1")
        with pytest.raises(MayNotProceedError):
            handle.claim()
        handle.wait()
        with pytest.raises(DigestMismatchError):
            handle.claim("sha256:" + "0" * 64)
        assert handle.claim() == handle.claim() == HARD["action_parameters"]
        with pytest.raises(AlreadyClaimedError):
            client.handle(handle.decision_package_id).claim()
        with pytest.raises(AlreadyDecidedError):
            handle.cancel("Too late.")
        handle.succeeded()
        handle.rolled_back()
        with pytest.raises(ProblemError, match="already reported"):
            handle.failed()
        with pytest.raises(NotFoundError):
            client.handle("pkg_99")
        with pytest.raises(InvalidProposalError, match="confidence"):
            client.request(**{name: value for name, value in HARD.items() if name != "confidence"})


def test_a_new_version_must_name_the_expected_version() -> None:
    with ScriptedReviewer(testing.revise("Another."), testing.approve()), Client() as client:
        handle = client.request(**HARD)
        handle.wait()
        stale = client.handle(handle.decision_package_id)
        handle.revise(title="Better")
        with pytest.raises(StaleVersionError):
            stale.revise(**{**HARD, "title": "Late"})
        assert isinstance(handle.wait(), Approved)
