"""LangGraph: a node asks, the graph pauses in its checkpoint, and goes on with what people decided.

    def review(state):
        outcome = ask(title="Delete record 42", action_type="delete_record", …)
        return {"approved": outcome.permits}

    result = run_graph(graph, {"task": "…"}, {"configurable": {"thread_id": "t-1"}}, client)

`ask` is `interrupt()`: it needs a checkpointer, and its node runs again from its beginning when the graph goes on.
`run_graph` does the rest, and may be killed at any time: called again, without an input, it finds the interrupts in the
checkpoint, their packages by their keys, and resumes each by its id.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Unpack

from langchain_core.runnables import RunnableConfig
from langgraph.pregel import Pregel
from langgraph.types import Command, Interrupt, StateSnapshot, interrupt

from countersign.canonical import digest_of
from countersign.client import AsyncClient, Client
from countersign.document import StatusDocument
from countersign.outcomes import EvidenceWanted, Outcome, Revise, outcome_of
from countersign.package import found, submitted
from countersign.proposal import Proposal
from countersign.settling import settled
from countersign.wire import Flow, Patience

Graph = Pregel[Any, Any, Any, Any]

# The answer is in the checkpoint before the next node runs: a graph that is killed there does not ask again.
_DURABLE: Literal["sync"] = "sync"
_PROPOSAL, _ANSWERS = "countersign_proposal", "countersign_answers"


def ask(*, answers: Revise | EvidenceWanted | None = None, **proposal: Unpack[Proposal]) -> Outcome:
    """Inside a node: what came of it. `answers` makes it the next version of what a person wanted changed."""
    value: dict[str, Any] = {_PROPOSAL: proposal}
    if answers:
        value[_ANSWERS] = {"package_id": answers.decision_package_id, "version": answers.document["version"]}
    outcome = outcome_of(interrupt(value))
    if outcome is None:
        raise ValueError("the graph was resumed with a document that nobody has decided yet; wait, then resume")
    return outcome


def run_graph(
    graph: Graph, graph_input: Any, config: RunnableConfig, client: Client, *, timeout: float | None = None
) -> Any:
    """To its end, through all that people have to decide. Without an input it goes on where it was."""
    state = graph.get_state(config)
    if graph_input is not None or not _asked(state):
        graph.invoke(graph_input, config, durability=_DURABLE)
        config = _latest(config)
        state = graph.get_state(config)
    while asked := _asked(state):
        resume = client.run(_decided(asked, state, client.patience, timeout))
        graph.invoke(Command(resume=resume), config, durability=_DURABLE)
        config = _latest(config)
        state = graph.get_state(config)
    return state.values


async def arun_graph(
    graph: Graph,
    graph_input: Any,
    config: RunnableConfig,
    client: AsyncClient,
    *,
    timeout: float | None = None,  # noqa: ASYNC109 - it ends one wait, and leaves the graph in its checkpoint
) -> Any:
    """The same for async code."""
    state = await graph.aget_state(config)
    if graph_input is not None or not _asked(state):
        await graph.ainvoke(graph_input, config, durability=_DURABLE)
        config = _latest(config)
        state = await graph.aget_state(config)
    while asked := _asked(state):
        resume = await client.run(_decided(asked, state, client.patience, timeout))
        await graph.ainvoke(Command(resume=resume), config, durability=_DURABLE)
        config = _latest(config)
        state = await graph.aget_state(config)
    return state.values


def _latest(config: RunnableConfig) -> RunnableConfig:
    """Where the thread is by now: a checkpoint that was named is where it began, and never gets further."""
    its = {name: value for name, value in config.get("configurable", {}).items() if name != "checkpoint_id"}
    return {**config, "configurable": its}


def _asked(state: StateSnapshot) -> Sequence[Interrupt]:
    return [each for each in state.interrupts if isinstance(each.value, dict) and _PROPOSAL in each.value]


def _decided(
    asked: Sequence[Interrupt], state: StateSnapshot, patience: Patience, timeout: float | None
) -> Flow[Mapping[str, StatusDocument]]:
    """By interrupt. All are proposed before any is waited for: a step ends only when all of its nodes have."""
    packages = {}
    for each in asked:
        packages[each.id] = yield from _proposed(each, state, patience)
    for package in packages.values():
        yield from settled(package, None, 0, timeout)
    return {name: package.document for name, package in packages.items()}


def _proposed(asked: Interrupt, state: StateSnapshot, patience: Patience) -> Flow[Any]:
    """Proposed again after a restart, it is the same package: thread, interrupt and content are the same."""
    its = state.config["configurable"]
    proposal: dict[str, Any] = {
        "thread_id": its["thread_id"],
        "run_id": its["thread_id"],
        "checkpoint_id": its.get("checkpoint_id"),
        "interrupt_type": "approval",
        **asked.value[_PROPOSAL],
    }
    proposal["metadata"] = {**proposal.get("metadata", {}), "langgraph_interrupt_id": asked.id}
    if answers := asked.value.get(_ANSWERS):
        package = yield from found(answers["package_id"], None, patience)
        yield from package.revise(proposal, answers["version"])
        return package
    key = digest_of([its["thread_id"], asked.id, asked.value])
    return (yield from submitted(proposal, key, "", patience))
