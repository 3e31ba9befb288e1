"""A graph pauses at its checkpoint until people decide, and continues with the decision, even if it was killed."""

from __future__ import annotations

import asyncio
import itertools
import threading
from pathlib import Path
from typing import Any, TypedDict

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, interrupt

from countersign import Approved, AsyncClient, Rejected, Revise, StillPendingError
from countersign.langgraph import arun_graph, ask, run_graph
from rules.state.commands import Verb
from tests.bot.slack.office import HARD, SENTA, Office
from tests.sdk.agents import QUICK, Agent, ThreadedCalls
from tests.sdk.processes import HERE, start_script

GRAPHER = HERE / "grapher.py"
CONFIG: Any = {"configurable": {"thread_id": "thread-1"}}


class State(TypedDict, total=False):
    outcome: Any
    other: str


def graph_of(*nodes: Any, saver: InMemorySaver | None = None) -> Any:
    builder = StateGraph(State)
    names = [START, *(node.__name__ for node in nodes), END]
    for node in nodes:
        builder.add_node(node.__name__, node)
    for before, after in itertools.pairwise(names):
        builder.add_edge(before, after)
    return builder.compile(checkpointer=saver or InMemorySaver())


def review(_: State) -> State:
    return {"outcome": ask(**HARD)}


def review_until_approved(_: State) -> State:
    """Answers a wish for changes with another version."""
    outcome = ask(**HARD)
    if isinstance(outcome, Revise):
        outcome = ask(revises=outcome, **{**HARD, "action_parameters": {"record": outcome.instructions}})
    return {"outcome": outcome}


def run_in_background(
    agent: Agent, graph: Any, graph_input: Any = None, config: Any = CONFIG, **options: Any
) -> asyncio.Future[Any]:
    if isinstance(agent.client, ThreadedCalls):
        return asyncio.ensure_future(
            asyncio.to_thread(run_graph, graph, graph_input, config, agent.client.wrapped, **options)
        )
    return asyncio.ensure_future(arun_graph(graph, graph_input, config, agent.client, **options))


async def approve_package(agent: Agent, package: Any) -> None:
    await agent.office.approve(SENTA, await agent.card(package))


async def test_a_node_receives_the_decision(agent: Agent) -> None:
    running = run_in_background(agent, graph_of(review), {})
    await approve_package(agent, await agent.wait_for_package())
    outcome = (await running)["outcome"]
    assert isinstance(outcome, Approved)
    assert outcome.parameters == HARD["action_parameters"]


async def test_the_package_names_its_thread_checkpoint_and_interrupt(agent: Agent) -> None:
    graph = graph_of(review)
    running = run_in_background(agent, graph, {})
    body = (await agent.wait_for_package()).body
    (asked,) = graph.get_state(CONFIG).interrupts
    assert (body["thread_id"], body["metadata"]) == ("thread-1", {"langgraph_interrupt_id": asked.id})
    assert body["checkpoint_id"] == graph.get_state(CONFIG).config["configurable"]["checkpoint_id"]
    await agent.office.give(SENTA, await agent.card(await agent.wait_for_package()), Verb.REJECT, {"comment": "No."})
    assert isinstance((await running)["outcome"], Rejected)


async def test_a_wish_for_changes_is_answered_in_the_same_package(agent: Agent) -> None:
    running = run_in_background(agent, graph_of(review_until_approved), {})
    await agent.office.give(
        SENTA, await agent.card(await agent.wait_for_package()), Verb.REVISE, {"instructions": "43"}
    )
    second = await agent.wait_for_package()
    assert second.body["version"] == 2
    await approve_package(agent, second)
    assert (await running)["outcome"].parameters == {"record": "43"}


async def test_a_decision_before_the_answer_to_a_wish_is_the_outcome(agent: Agent) -> None:
    loop = asyncio.get_running_loop()

    async def reject() -> None:
        card = await agent.card(await agent.wait_for_package("revision_requested"))
        await agent.office.give(SENTA, card, Verb.REJECT, {"comment": "No."})

    remaining = iter([reject])  # the node starts again after each interrupt

    def rework(_: State) -> State:
        outcome = ask(**HARD)
        for step in remaining:
            asyncio.run_coroutine_threadsafe(step(), loop).result(60)
        return {"outcome": ask(revises=outcome, **HARD) if isinstance(outcome, Revise) else outcome}

    running = run_in_background(agent, graph_of(rework), {})
    await agent.give_newest(Verb.REVISE, instructions="43")
    assert isinstance((await running)["outcome"], Rejected)


async def test_an_undecided_interrupt_stays_in_the_checkpoint_and_is_found_again(agent: Agent) -> None:
    graph = graph_of(review)
    with pytest.raises(StillPendingError):
        await run_in_background(agent, graph, {}, timeout=0.1)
    first = await agent.wait_for_package()
    running = run_in_background(agent, graph)
    await approve_package(agent, first)
    assert (await running)["outcome"].decision_package_id == first.id


async def test_a_graph_continues_from_a_named_checkpoint_once(agent: Agent) -> None:
    acted: list[State] = []

    def act(state: State) -> State:
        acted.append(state)
        return {"other": "done"}

    graph = graph_of(review, act)
    graph.invoke({}, CONFIG)
    named = graph.get_state(CONFIG).config
    running = run_in_background(agent, graph, config=named)
    await approve_package(agent, await agent.wait_for_package())
    assert (await running)["other"] == "done"
    assert len(acted) == 1


async def test_interrupts_of_other_code_are_left_alone(agent: Agent) -> None:
    def other_interrupt(_: State) -> State:
        return {"other": interrupt("What colour?")}

    graph = graph_of(other_interrupt, review)
    await run_in_background(agent, graph, {})
    (asked,) = graph.get_state(CONFIG).interrupts
    assert asked.value == "What colour?"


async def test_a_graph_killed_while_people_decide_resumes_each_interrupt_with_its_own_answer(
    office: Office, watcher: Agent, tmp_path: Path
) -> None:
    """Both interrupts of one step are proposed at once and decided while no process runs."""
    first = start_script(office, watcher.network, GRAPHER, tmp_path)
    await watcher.wait_for_package(count=2)
    first.kill()
    await first.communicate()
    await decide_both(watcher)
    second = start_script(office, watcher.network, GRAPHER, tmp_path)
    out, err = await second.communicate()
    assert out == b"42 deleted, 43 kept\n", err
    assert len((await office.get("/v1/packages")).body["packages"]) == 2
    assert (tmp_path / "ledger").read_text() == "42\n"


async def test_a_graph_killed_while_acting_does_not_act_again(office: Office, watcher: Agent, tmp_path: Path) -> None:
    first = start_script(office, watcher.network, GRAPHER, tmp_path, "die")
    await decide_both(watcher)
    await first.communicate()
    second = start_script(office, watcher.network, GRAPHER, tmp_path)
    out, err = await second.communicate()
    assert out == b"42 unknown, 43 kept\n", err
    assert (tmp_path / "ledger").read_text() == "42\n"


class Slow(InMemorySaver):
    """A saver that writes the answer slowly, so that the next node could run before it is saved."""

    def __init__(self) -> None:
        super().__init__()
        self.acted = threading.Event()
        self.written: list[bool] = []

    def put(self, config: Any, checkpoint: Any, metadata: Any, new_versions: Any) -> Any:
        if "outcome" in checkpoint["channel_values"]:
            self.written.append(not self.acted.wait(0.1))
        return super().put(config, checkpoint, metadata, new_versions)

    async def aput(self, config: Any, checkpoint: Any, metadata: Any, new_versions: Any) -> Any:
        return await asyncio.to_thread(self.put, config, checkpoint, metadata, new_versions)


async def test_the_next_node_runs_only_after_the_answer_is_in_the_checkpoint(agent: Agent) -> None:
    saver = Slow()

    def act(_: State) -> State:
        saver.acted.set()
        return {"other": "done"}

    running = run_in_background(agent, graph_of(review, act, saver=saver), {})
    await approve_package(agent, await agent.wait_for_package())
    assert (await running)["other"] == "done"
    assert saver.written[0]


async def decide_both(watcher: Agent) -> None:
    """Approves the deletion of record 42 and rejects that of 43."""
    await watcher.wait_for_package(count=2)
    packages = {
        package["decision_package_id"]: package
        for package in (await watcher.office.get("/v1/packages")).body["packages"]
    }
    for package_id in packages:
        package = await watcher.office.get(f"/v1/packages/{package_id}")
        card = await watcher.card(package)
        if "Delete record 42" in card.shown:
            await watcher.office.approve(SENTA, card)
        else:
            await watcher.office.give(SENTA, card, Verb.REJECT, {"comment": "Keep it."})


async def test_an_undecided_document_does_not_resume_a_graph(office: Office) -> None:
    graph = graph_of(review)
    async with AsyncClient(office.url, office.key, patience=QUICK) as client:
        pending = (await client.request(**HARD)).document
    graph.invoke({}, CONFIG)
    with pytest.raises(ValueError, match="nobody has decided yet"):
        graph.invoke(Command(resume=pending), CONFIG)
