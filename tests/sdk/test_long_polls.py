"""The long poll that waits for packages, threads and handoffs share."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from countersign.handoff_flows import HandoffFlows
from countersign.package import Package
from countersign.threads import ThreadFlows
from countersign.wire import Call, Flow, Patience, Pause

IMPATIENT = Patience(total=0.0)
DOCUMENT: Any = {
    "decision_package_id": "dp_1",
    "status": "pending",
    "revision": 1,
    "execution": {"state": "none"},
    "action_digest": "sha256:1",
}
OFFERED: Any = {"handoff_id": "ho_1", "thread_id": "case-1", "status": "offered", "mode": "peer"}


def wait_for_package(timeout: float | None) -> Flow[Any]:
    return Package(DOCUMENT, IMPATIENT).wait(timeout)


def wait_for_thread(timeout: float | None) -> Flow[Any]:
    return ThreadFlows("case-1", IMPATIENT).until_running(timeout)


def wait_for_answer(timeout: float | None) -> Flow[Any]:
    return HandoffFlows(IMPATIENT).until_not(OFFERED, timeout)


def wait_for_offer(timeout: float | None) -> Flow[Any]:
    return HandoffFlows(IMPATIENT).receive(timeout)


def poll_of(flow: Flow[Any]) -> Call:
    """The flow's long poll. The one of threads reads the thread first."""
    call = next(flow)
    assert isinstance(call, Call)
    if "wait" not in call.query:
        call = flow.send(httpx.Response(200, json={"state": "held", "revision": 1}))
        assert isinstance(call, Call)
    return call


@pytest.mark.parametrize("wait", [wait_for_package, wait_for_thread, wait_for_answer, wait_for_offer])
def test_a_wait_without_a_timeout_outlasts_every_outage(wait: Any) -> None:
    flow = wait(None)
    poll = poll_of(flow)
    assert isinstance(flow.send(httpx.ConnectError("refused")), Pause)
    assert flow.send(None) == poll
    assert isinstance(flow.send(httpx.Response(503)), Pause)
