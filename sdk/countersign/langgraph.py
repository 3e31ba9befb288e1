"""LangGraph: a node asks, the graph pauses at its checkpoint, and continues with what people decided.

    def review(state):
        outcome = ask(title="Delete record 42", action_type="delete_record", …)
        return {"approved": outcome.permits}

    result = run_graph(graph, {"task": "…"}, {"configurable": {"thread_id": "t-1"}}, client)

`ask` is LangGraph's `interrupt()`: it needs a checkpointer, and its node runs again from the start when the graph
resumes. `run_graph` proposes, waits and resumes. It may be killed at any time: called again without an input, it finds
the interrupts in the checkpoint and their packages by their idempotency keys, and resumes each interrupt by its id.

People steer the graph through its thread. `countersign.langgraph_run` holds how `run_graph` follows them.
"""

from __future__ import annotations

from typing import Any, Unpack

from langchain_core.runnables import RunnableConfig
from langgraph.types import interrupt

from countersign.client import AsyncClient, Client
from countersign.langgraph_calls import AsyncCalls, Calls, Graph
from countersign.langgraph_run import PROPOSAL, REVISES, GraphRun, OnResume
from countersign.outcomes import EvidenceWanted, Outcome, Revise, outcome_of
from countersign.package import OnMessage
from countersign.proposal import Proposal


def ask(*, revises: Revise | EvidenceWanted | None = None, **proposal: Unpack[Proposal]) -> Outcome:
    """Asks people from inside a node and returns their outcome.

    Keywords are the fields of the proposal. To answer a person's wish for changes, pass that outcome as `revises`: the
    proposal is then the next version of the same package.
    """
    value: dict[str, Any] = {PROPOSAL: proposal}
    if revises:
        value[REVISES] = {"package_id": revises.decision_package_id, "version": revises.document["version"]}
    outcome = outcome_of(interrupt(value))
    if outcome is None:
        raise ValueError("the graph was resumed with a document that nobody has decided yet; wait, then resume")
    return outcome


def run_graph(
    graph: Graph,
    graph_input: Any,
    config: RunnableConfig,
    client: Client,
    *,
    timeout: float | None = None,
    on_message: OnMessage | None = None,
    on_resume: OnResume | None = None,
) -> Any:
    """Runs the graph to its end, waiting for people at each `ask`, and returns its final state.

    With `None` as its input, the graph continues from its checkpoint. `timeout` limits each wait in seconds
    (`StillPendingError`). `on_message` gets what people write while the graph waits, as in `Handle.wait`.

    After each step it reports the checkpoint, waits while a person holds the thread, and raises `ThreadCancelledError`
    if a person cancelled it. If they resume it from a checkpoint or with another state, the graph goes on from there.
    When they resume the thread with an instruction or a new state, `on_resume` gets the thread and returns the update
    of the graph's state. Without `on_resume`, the update is their `modified_state`.
    """
    run = GraphRun(Calls(graph), config, client.patience, timeout=timeout, on_message=on_message, on_resume=on_resume)
    return client.run(run.to_the_end(graph_input))


async def arun_graph(
    graph: Graph,
    graph_input: Any,
    config: RunnableConfig,
    client: AsyncClient,
    *,
    timeout: float | None = None,  # noqa: ASYNC109 - it ends one wait; the graph stays at its checkpoint
    on_message: OnMessage | None = None,
    on_resume: OnResume | None = None,
) -> Any:
    """`run_graph` for async code."""
    run = GraphRun(
        AsyncCalls(graph), config, client.patience, timeout=timeout, on_message=on_message, on_resume=on_resume
    )
    return await client.run(run.to_the_end(graph_input))
