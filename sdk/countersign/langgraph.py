"""LangGraph: a node asks, the graph pauses at its checkpoint, and continues with what people decided.

    def review(state):
        outcome = ask(title="Delete record 42", action_type="delete_record", …)
        return {"approved": outcome.permits}

    result = run_graph(graph, {"task": "…"}, {"configurable": {"thread_id": "t-1"}}, client)

`ask` is LangGraph's `interrupt()`: it needs a checkpointer, and its node runs again from the start when the graph
resumes. `run_graph` proposes, waits and resumes. It may be killed at any time: called again without an input, it finds
the interrupts in the checkpoint and their packages by their idempotency keys, and resumes each interrupt by its id.
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
from countersign.package import fetch_package, submit_proposal
from countersign.proposal import Proposal
from countersign.settling import wait_until_settled
from countersign.wire import Flow, Patience

Graph = Pregel[Any, Any, Any, Any]

# LangGraph then saves the answer before the next node runs, so a graph that is killed in between does not ask again.
_DURABLE: Literal["sync"] = "sync"
_PROPOSAL, _REVISES = "countersign_proposal", "countersign_revises"


def ask(*, revises: Revise | EvidenceWanted | None = None, **proposal: Unpack[Proposal]) -> Outcome:
    """Asks people from inside a node and returns their outcome.

    Keywords are the fields of the proposal. To answer a person's wish for changes, pass that outcome as `revises`: the
    proposal is then the next version of the same package.
    """
    value: dict[str, Any] = {_PROPOSAL: proposal}
    if revises:
        value[_REVISES] = {"package_id": revises.decision_package_id, "version": revises.document["version"]}
    outcome = outcome_of(interrupt(value))
    if outcome is None:
        raise ValueError("the graph was resumed with a document that nobody has decided yet; wait, then resume")
    return outcome


def run_graph(
    graph: Graph, graph_input: Any, config: RunnableConfig, client: Client, *, timeout: float | None = None
) -> Any:
    """Runs the graph to its end, waiting for people at each `ask`, and returns its final state.

    With `None` as its input, the graph continues from its checkpoint. `timeout` limits each wait in seconds
    (`StillPendingError`).
    """
    state = graph.get_state(config)
    if graph_input is not None or not _open_interrupts(state):
        graph.invoke(graph_input, config, durability=_DURABLE)
        config = _without_checkpoint(config)
        state = graph.get_state(config)
    while interrupts := _open_interrupts(state):
        resume = client.run(_resume_values(interrupts, state, client.patience, timeout))
        graph.invoke(Command(resume=resume), config, durability=_DURABLE)
        config = _without_checkpoint(config)
        state = graph.get_state(config)
    return state.values


async def arun_graph(
    graph: Graph,
    graph_input: Any,
    config: RunnableConfig,
    client: AsyncClient,
    *,
    timeout: float | None = None,  # noqa: ASYNC109 - it ends one wait; the graph stays at its checkpoint
) -> Any:
    """`run_graph` for async code."""
    state = await graph.aget_state(config)
    if graph_input is not None or not _open_interrupts(state):
        await graph.ainvoke(graph_input, config, durability=_DURABLE)
        config = _without_checkpoint(config)
        state = await graph.aget_state(config)
    while interrupts := _open_interrupts(state):
        resume = await client.run(_resume_values(interrupts, state, client.patience, timeout))
        await graph.ainvoke(Command(resume=resume), config, durability=_DURABLE)
        config = _without_checkpoint(config)
        state = await graph.aget_state(config)
    return state.values


def _without_checkpoint(config: RunnableConfig) -> RunnableConfig:
    """The same thread at its newest checkpoint. A config that names a checkpoint would always return to that one."""
    configurable = {name: value for name, value in config.get("configurable", {}).items() if name != "checkpoint_id"}
    return {**config, "configurable": configurable}


def _open_interrupts(state: StateSnapshot) -> Sequence[Interrupt]:
    return [entry for entry in state.interrupts if isinstance(entry.value, dict) and _PROPOSAL in entry.value]


def _resume_values(
    interrupts: Sequence[Interrupt], state: StateSnapshot, patience: Patience, timeout: float | None
) -> Flow[Mapping[str, StatusDocument]]:
    """The decided documents by interrupt id.

    All interrupts are proposed before the first wait, because a step of the graph ends only when all its nodes have
    ended.
    """
    packages = {}
    for asked in interrupts:
        packages[asked.id] = yield from _propose(asked, state, patience)
    for package in packages.values():
        yield from wait_until_settled(package, None, 0, timeout)
    return {name: package.document for name, package in packages.items()}


def _propose(entry: Interrupt, state: StateSnapshot, patience: Patience) -> Flow[Any]:
    """Proposes an interrupt's package. Its key is made of thread, interrupt and content, so a restart finds it."""
    configurable = state.config["configurable"]
    proposal: dict[str, Any] = {
        "thread_id": configurable["thread_id"],
        "run_id": configurable["thread_id"],
        "checkpoint_id": configurable.get("checkpoint_id"),
        "interrupt_type": "approval",
        **entry.value[_PROPOSAL],
    }
    proposal["metadata"] = {**proposal.get("metadata", {}), "langgraph_interrupt_id": entry.id}
    if revises := entry.value.get(_REVISES):
        package = yield from fetch_package(revises["package_id"], None, patience)
        yield from package.revise(proposal, revises["version"])
        return package
    key = digest_of([configurable["thread_id"], entry.id, entry.value])
    return (yield from submit_proposal(proposal, key, "", patience))
