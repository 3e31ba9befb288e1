"""The recovery loop of the SDK: an action that failed runs again if people allow it."""

from __future__ import annotations

import pytest

from countersign import Client, gate
from countersign.proposal import Proposal
from countersign.testing import ScriptedReviewer, Step, allow_retry, approve, ask_rollback, close


class Bank:
    """Fails this many times."""

    def __init__(self, failures: int) -> None:
        self.left, self.calls = failures, 0

    def pay(self, order: int) -> str:
        self.calls += 1
        if self.left:
            self.left -= 1
            raise ConnectionError("the bank is away")
        return f"paid {order}"


REQUEST: Proposal = {
    "title": "Pay",
    "action_type": "pay",
    "action_parameters": {"order": 456},
    "proposed_action": "Pay it.",
    "rationale": "It is due.",
    "risk_level": "high",
    "confidence": 0.9,
}


def attempt_all(bank: Bank, retries: int) -> list[str]:
    with Client() as client:
        handle = client.request(**REQUEST)
        handle.wait()
        done: list[str] = []
        for attempt in handle.attempts(retries=retries):
            with attempt as parameters:
                done.append(bank.pay(**parameters))
        return done


@pytest.mark.parametrize(("failures", "retries"), [(0, 0), (0, 2), (1, 1), (2, 2)])
def test_a_block_runs_again_as_often_as_people_allow_it(failures: int, retries: int) -> None:
    bank = Bank(failures)
    with ScriptedReviewer(approve(), *[allow_retry()] * failures) as reviewer:
        assert attempt_all(bank, retries) == ["paid 456"]
    assert (bank.calls, reviewer.executions, reviewer.left) == (failures + 1, ["succeeded"], 0)


@pytest.mark.parametrize("step", [ask_rollback("Restore it."), close()], ids=["rollback", "close"])
def test_without_a_retry_the_failure_is_raised(step: Step) -> None:
    bank = Bank(1)
    with ScriptedReviewer(approve(), step) as reviewer, pytest.raises(ConnectionError):
        attempt_all(bank, 3)
    assert (bank.calls, reviewer.executions) == (1, ["failed"])


def test_the_last_attempt_raises_and_asks_nobody() -> None:
    bank = Bank(5)
    with ScriptedReviewer(approve(), allow_retry(), allow_retry()) as reviewer, pytest.raises(ConnectionError):
        attempt_all(bank, 1)
    assert (bank.calls, reviewer.left) == (2, 1)


def test_a_gate_runs_its_function_again() -> None:
    bank = Bank(1)

    @gate("pay", risk_level="high", confidence=0.9, retries=1)
    def pay(order: int) -> str:
        """Pay an order."""
        return bank.pay(order)

    with ScriptedReviewer(approve(), allow_retry("The bank is back.")) as reviewer:
        assert pay(456) == "paid 456"
    assert (bank.calls, reviewer.executions) == (2, ["succeeded"])


def test_a_handle_tells_what_people_decided() -> None:
    with ScriptedReviewer(approve(), ask_rollback("Restore it.")), Client() as client:
        handle = client.request(**REQUEST)
        handle.wait()
        handle.claim()
        handle.failed("The bank is away.")
        assert handle.recovery is None
        recovery = handle.recovered()
        assert recovery
        assert (recovery["decision"], recovery["instruction"]) == ("rollback", "Restore it.")
