"""A graph pauses in its checkpoint until people have decided, and goes on with that, killed in between or not."""

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
from tests.sdk.agents import QUICK, Agent, Threaded
from tests.sdk.processes import HERE, started

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


def persistent(_: State) -> State:
    """Answers a wish for changes with another version."""
    outcome = ask(**HARD)
    if isinstance(outcome, Revise):
        outcome = ask(answers=outcome, **{**HARD, "action_parameters": {"record": outcome.instructions}})
    return {"outcome": outcome}


def running(
    agent: Agent, graph: Any, graph_input: Any = None, config: Any = CONFIG, **options: Any
) -> asyncio.Future[Any]:
    if isinstance(agent.client, Threaded):
        return asyncio.ensure_future(
            asyncio.to_thread(run_graph, graph, graph_input, config, agent.client.its, **options)
        )
    return asyncio.ensure_future(arun_graph(graph, graph_input, config, agent.client, **options))


async def approve(agent: Agent, package: Any) -> None:
    await agent.office.approve(SENTA, await agent.card(package))


async def test_a_node_gets_what_people_decided(agent: Agent) -> None:
    going = running(agent, graph_of(review), {})
    await approve(agent, await agent.proposed())
    outcome = (await going)["outcome"]
    assert isinstance(outcome, Approved)
    assert outcome.parameters == HARD["action_parameters"]


async def test_the_package_says_which_thread_checkpoint_and_interrupt_it_is(agent: Agent) -> None:
    graph = graph_of(review)
    going = running(agent, graph, {})
    body = (await agent.proposed()).body
    (asked,) = graph.get_state(CONFIG).interrupts
    assert (body["thread_id"], body["metadata"]) == ("thread-1", {"langgraph_interrupt_id": asked.id})
    assert body["checkpoint_id"] == graph.get_state(CONFIG).config["configurable"]["checkpoint_id"]
    await agent.office.give(SENTA, await agent.card(await agent.proposed()), Verb.REJECT, {"comment": "No."})
    assert isinstance((await going)["outcome"], Rejected)


async def test_a_wish_for_changes_is_answered_in_the_same_package(agent: Agent) -> None:
    going = running(agent, graph_of(persistent), {})
    await agent.office.give(SENTA, await agent.card(await agent.proposed()), Verb.REVISE, {"instructions": "43"})
    second = await agent.proposed()
    assert second.body["version"] == 2
    await approve(agent, second)
    assert (await going)["outcome"].parameters == {"record": "43"}


async def test_what_is_not_decided_in_time_stays_in_the_checkpoint_and_is_found_again(agent: Agent) -> None:
    graph = graph_of(review)
    with pytest.raises(StillPendingError):
        await running(agent, graph, {}, timeout=0.1)
    first = await agent.proposed()
    going = running(agent, graph)
    await approve(agent, first)
    assert (await going)["outcome"].decision_package_id == first.id


async def test_a_checkpoint_that_is_named_is_where_it_goes_on_from_once(agent: Agent) -> None:
    acted: list[State] = []

    def act(state: State) -> State:
        acted.append(state)
        return {"other": "done"}

    graph = graph_of(review, act)
    graph.invoke({}, CONFIG)
    named = graph.get_state(CONFIG).config
    going = running(agent, graph, config=named)
    await approve(agent, await agent.proposed())
    assert (await going)["other"] == "done"
    assert len(acted) == 1


async def test_the_interrupts_of_others_are_left_to_them(agent: Agent) -> None:
    def theirs(_: State) -> State:
        return {"other": interrupt("What colour?")}

    graph = graph_of(theirs, review)
    await running(agent, graph, {})
    (asked,) = graph.get_state(CONFIG).interrupts
    assert asked.value == "What colour?"


async def test_a_graph_that_is_killed_while_people_decide_goes_on_and_each_interrupt_gets_its_own_answer(
    office: Office, watcher: Agent, tmp_path: Path
) -> None:
    """Several of one step, asked at once, answered while nobody is there."""
    first = started(office, watcher.network, GRAPHER, tmp_path)
    await watcher.proposed(count=2)
    first.kill()
    await first.communicate()
    await decide_both(watcher)
    second = started(office, watcher.network, GRAPHER, tmp_path)
    out, err = await second.communicate()
    assert out == b"42 deleted, 43 kept\n", err
    assert len((await office.get("/v1/packages")).body["packages"]) == 2
    assert (tmp_path / "ledger").read_text() == "42\n"


async def test_a_graph_that_is_killed_in_the_act_does_not_do_it_again(
    office: Office, watcher: Agent, tmp_path: Path
) -> None:
    first = started(office, watcher.network, GRAPHER, tmp_path, "die")
    await decide_both(watcher)
    await first.communicate()
    second = started(office, watcher.network, GRAPHER, tmp_path)
    out, err = await second.communicate()
    assert out == b"42 unknown, 43 kept\n", err
    assert (tmp_path / "ledger").read_text() == "42\n"


class Slow(InMemorySaver):
    """Is slow to keep the answer, so that the next node could act first."""

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


async def test_nothing_is_done_on_an_answer_that_is_not_in_the_checkpoint_yet(agent: Agent) -> None:
    saver = Slow()

    def act(_: State) -> State:
        saver.acted.set()
        return {"other": "done"}

    going = running(agent, graph_of(review, act, saver=saver), {})
    await approve(agent, await agent.proposed())
    assert (await going)["other"] == "done"
    assert saver.written[0]


async def decide_both(watcher: Agent) -> None:
    """42 may go, 43 stays."""
    await watcher.proposed(count=2)
    packages = {
        each["decision_package_id"]: each for each in (await watcher.office.get("/v1/packages")).body["packages"]
    }
    for package_id in packages:
        package = await watcher.office.get(f"/v1/packages/{package_id}")
        card = await watcher.card(package)
        if "Delete record 42" in card.shown:
            await watcher.office.approve(SENTA, card)
        else:
            await watcher.office.give(SENTA, card, Verb.REJECT, {"comment": "Keep it."})


async def test_a_document_that_nobody_decided_yet_does_not_resume_anything(office: Office) -> None:
    graph = graph_of(review)
    async with AsyncClient(office.url, office.key, patience=QUICK) as client:
        pending = (await client.request(**HARD)).document
    graph.invoke({}, CONFIG)
    with pytest.raises(ValueError, match="nobody has decided yet"):
        graph.invoke(Command(resume=pending), CONFIG)
