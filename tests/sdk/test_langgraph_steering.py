"""People hold, correct, send back and cancel a running graph through its thread."""

from __future__ import annotations

import asyncio
import operator
import threading
from typing import Annotated, Any, TypedDict

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph

from countersign import Approved, StillPendingError, ThreadCancelledError
from countersign.langgraph import ask
from rules.state.commands import Verb
from rules.threads.checks import MAX_CHECKPOINTS
from rules.threads.commands import CancelThread, HoldThread, ResumeThread, ThreadCommand
from tests.bot.slack.office import ADAM, HARD, SENTA
from tests.sdk.agents import Agent
from tests.sdk.test_langgraph import CONFIG, State, approve_package, graph_of, review, run_in_background
from tests.store.waiting_agents import Waits
from tests.store.world import fresh, reviewer

THREAD = CONFIG["configurable"]["thread_id"]
sync_only = pytest.mark.parametrize("agent", ["sync"], indirect=True)  # the flow is the same


async def give(agent: Agent, kind: type[ThreadCommand], **fields: Any) -> None:
    words = {} if kind is ResumeThread else {"reason": "Wait."}
    command = kind(**{"command_id": fresh("thread"), "thread_id": THREAD, **words, **fields})
    outcome = await agent.office.running.service.threads.execute(command, reviewer(ADAM))
    assert outcome.refusal is None, outcome.refusal.sentence


class Work:
    """Two nodes that list what they saw. The first one stays in its step until it may go on."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.begun, self.may_go_on = threading.Event(), threading.Event()

    def read(self, state: State) -> State:
        self.seen.append(f"read {state.get('other')}")
        self.begun.set()
        assert self.may_go_on.wait(30)
        return {}

    def write(self, state: State) -> State:
        self.seen.append(f"write {state.get('other')}")
        return {}

    async def hold_in_first_node(self, agent: Agent, kind: type[ThreadCommand] = HoldThread) -> None:
        assert await asyncio.to_thread(self.begun.wait, 30)
        await give(agent, kind)
        self.may_go_on.set()


def review_other(state: State) -> State:
    """Asks about what the state says."""
    return {"outcome": ask(**{**HARD, "action_parameters": {"record": state["other"]}})}


def checkpoint_before(graph: Any, node: str) -> str:
    (state,) = [state for state in graph.get_state_history(CONFIG) if state.next == (node,)]
    return str(state.config["configurable"]["checkpoint_id"])


async def reported(agent: Agent, number: int = 3) -> None:
    """Waits until the graph has reported so many checkpoints."""
    async with asyncio.timeout(30):
        while True:
            agent.network.activity.clear()
            events = (await agent.office.get(f"/v1/threads/{THREAD}/history")).body["events"]
            if sum(event["event_type"] == "thread.checkpoint_reported" for event in events) == number:
                return
            await agent.network.activity.wait()


async def another_package(agent: Agent, first: Any) -> Any:
    """The package that is asked after this one was withdrawn."""
    await agent.wait_for_package("cancelled")
    second = await agent.wait_for_package()
    assert (await agent.office.read(first)).body["status"] == "cancelled"
    return second


async def test_a_held_graph_waits_between_two_nodes_and_goes_on_with_the_state_that_a_person_gave(
    agent: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    work, waits = Work(), Waits(monkeypatch)
    await agent.request(thread_id=THREAD)
    running = run_in_background(agent, graph_of(work.read, work.write), {"other": "A"})
    await work.hold_in_first_node(agent)
    await waits.come()
    assert work.seen == ["read A"]
    await give(agent, ResumeThread, modified_state={"other": "B"})
    assert (await running)["other"] == "B"
    assert work.seen == ["read A", "write B"]


async def test_a_graph_goes_on_from_the_checkpoint_that_a_person_names(agent: Agent) -> None:
    work = Work()
    work.may_go_on.set()
    graph = graph_of(work.read, work.write, review)
    running = run_in_background(agent, graph, {"other": "A"})
    first = await agent.wait_for_package()
    await reported(agent)
    await give(agent, HoldThread)
    await give(agent, ResumeThread, checkpoint_id=checkpoint_before(graph, "write"))
    await approve_package(agent, await another_package(agent, first))
    assert isinstance((await running)["outcome"], Approved)
    assert work.seen == ["read A", "write A", "write A"]


async def test_a_correction_while_people_decide_withdraws_the_package_and_is_followed_once(agent: Agent) -> None:
    """Also by a graph that was stopped while it was held, and by one that was stopped after it."""
    graph = graph_of(review_other)
    with pytest.raises(StillPendingError):
        await run_in_background(agent, graph, {"other": "41"}, timeout=0.1)
    first = await agent.wait_for_package()
    await give(agent, HoldThread)
    await give(agent, ResumeThread, modified_state={"other": "42"})
    with pytest.raises(StillPendingError):
        await run_in_background(agent, graph, timeout=0.1)
    second = await another_package(agent, first)
    running = run_in_background(agent, graph)
    await approve_package(agent, second)
    assert (await running)["outcome"].parameters == {"record": "42"}
    assert len((await agent.office.get("/v1/packages")).body["packages"]) == 2


async def test_a_cancelled_graph_ends_with_an_error_before_its_next_node(agent: Agent) -> None:
    work = Work()
    await agent.request(thread_id=THREAD)
    graph = graph_of(work.read, work.write)
    running = run_in_background(agent, graph, {"other": "A"})
    await work.hold_in_first_node(agent, CancelThread)
    with pytest.raises(ThreadCancelledError):
        await running
    assert work.seen == ["read A"]
    with pytest.raises(ThreadCancelledError):
        await run_in_background(agent, graph)


@sync_only
async def test_a_graph_that_waits_for_people_ends_when_its_thread_is_cancelled(agent: Agent) -> None:
    running = run_in_background(agent, graph_of(review), {})
    await agent.wait_for_package()
    await give(agent, CancelThread)
    with pytest.raises(ThreadCancelledError):
        await running


@sync_only
async def test_people_decide_while_a_graph_is_held_and_it_acts_when_it_is_resumed(
    agent: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits, acted = Waits(monkeypatch), threading.Event()

    def act(_: State) -> State:
        acted.set()
        return {}

    running = run_in_background(agent, graph_of(review, act), {})
    package = await agent.wait_for_package()
    await waits.come()  # for the package
    await give(agent, HoldThread)
    await waits.come()
    await approve_package(agent, package)
    await waits.come()  # for the thread
    assert not acted.is_set()
    await give(agent, ResumeThread)
    assert (await running)["outcome"].permits
    assert acted.is_set()


@sync_only
async def test_a_claim_that_a_hold_refused_is_made_again_when_the_graph_is_resumed(
    agent: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    work, waits, acted = Work(), Waits(monkeypatch), []
    client: Any = agent.client

    def act(state: State) -> State:
        work.begun.set()
        assert work.may_go_on.wait(30)
        with client.wrapped.handle(state["outcome"].decision_package_id).executing() as parameters:
            acted.append(parameters)
        return {}

    running = run_in_background(agent, graph_of(review, act), {})
    await approve_package(agent, await agent.wait_for_package())
    await waits.come()
    await work.hold_in_first_node(agent)
    await waits.come()
    await give(agent, ResumeThread)
    await running
    assert acted == [HARD["action_parameters"]]


@sync_only
async def test_an_instruction_becomes_what_the_agent_makes_of_it(agent: Agent) -> None:
    running = run_in_background(
        agent, graph_of(review_other), {"other": "41"}, on_resume=lambda thread: {"other": thread["instruction"]}
    )
    first = await agent.wait_for_package()
    await give(agent, HoldThread)
    await give(agent, ResumeThread, instruction="42")
    await approve_package(agent, await another_package(agent, first))
    assert (await running)["outcome"].parameters == {"record": "42"}


@sync_only
async def test_messages_reach_the_agent_while_its_graph_waits(agent: Agent) -> None:
    running = run_in_background(agent, graph_of(review), {}, on_message=lambda message: f"Yes: {message['text']}")
    package = await agent.wait_for_package()
    await agent.office.give(SENTA, await agent.card(package), Verb.COMMENT, {"comment": "Order 456?"})
    await approve_package(agent, package)
    await running
    messages = (await agent.office.get(f"/v1/packages/{package.id}/messages")).body["messages"]
    assert [message["text"] for message in messages] == ["Order 456?", "Yes: Order 456?"]


class Log(TypedDict, total=False):
    log: Annotated[list[str], operator.add]
    outcome: Any


def parallel_graph() -> Any:
    """Two nodes of one step, and one that waits for both."""
    builder = StateGraph(Log)
    for name in ("left", "right"):
        builder.add_node(name, lambda _, name=name: {"log": [name]})
        builder.add_edge(START, name)
    builder.add_node("review", lambda state: {"outcome": ask(**{**HARD, "evidence_refs": state["log"]})})
    builder.add_edge(["left", "right"], "review")
    builder.add_edge("review", END)
    return builder.compile(checkpointer=InMemorySaver())


@sync_only
async def test_a_correction_after_nodes_of_one_step_goes_on_where_both_lead(agent: Agent) -> None:
    running = run_in_background(agent, parallel_graph(), {})
    first = await agent.wait_for_package()
    await give(agent, HoldThread)
    await give(agent, ResumeThread, modified_state={"log": ["a person"]})
    await approve_package(agent, await another_package(agent, first))
    assert (await running)["log"] == ["left", "right", "a person"]


@sync_only
async def test_a_correction_that_the_graph_cannot_follow_ends_the_run_and_leaves_the_package(agent: Agent) -> None:
    await agent.request(thread_id=THREAD)
    by_hand = {"checkpoint_id": "by hand", "summary": "Three sources read."}
    await agent.office.post(f"/v1/threads/{THREAD}/checkpoints", by_hand)
    running = run_in_background(agent, graph_of(review), {})
    await agent.wait_for_package(count=2)
    await give(agent, HoldThread)
    await give(agent, ResumeThread, modified_state={"otter": "B"})
    with pytest.raises(ValueError, match="otter, which the graph's state does not have"):
        await running
    await give(agent, HoldThread)
    await give(agent, ResumeThread, checkpoint_id="by hand")
    with pytest.raises(ValueError, match="checkpoint by hand, which this graph does not have"):
        await run_in_background(agent, graph_of(review), {})
    assert [package["status"] for package in (await agent.office.get("/v1/packages")).body["packages"]] == [
        "pending"
    ] * 2


@sync_only
async def test_a_graph_whose_thread_belongs_to_another_agent_runs_without_it(agent: Agent) -> None:
    work = Work()
    work.may_go_on.set()
    await agent.office.submit(HARD | {"thread_id": THREAD}, key=await agent.office.hire("Another"))
    await run_in_background(agent, graph_of(work.read, work.write), {"other": "A"})
    assert work.seen == ["read A", "write A"]


@sync_only
async def test_a_graph_does_not_wait_until_it_may_report_another_checkpoint(agent: Agent) -> None:
    await agent.request(thread_id=THREAD)
    for number in range(MAX_CHECKPOINTS):
        checkpoint = {"checkpoint_id": f"step-{number}", "summary": "A step."}
        await agent.office.post(f"/v1/threads/{THREAD}/checkpoints", checkpoint)
    work = Work()
    work.may_go_on.set()
    await run_in_background(agent, graph_of(work.read, work.write), {"other": "A"})
    assert work.seen == ["read A", "write A"]
    assert (await agent.office.get(f"/v1/threads/{THREAD}")).body[
        "latest_checkpoint_id"
    ] == f"step-{MAX_CHECKPOINTS - 1}"
