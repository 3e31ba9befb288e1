"""What a run needs of a graph, for sync and async code."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from langchain_core.runnables import RunnableConfig
from langgraph.pregel import Pregel
from langgraph.types import StateUpdate

Graph = Pregel[Any, Any, Any, Any]

# LangGraph then saves the answer before the next node runs, so a graph that is killed in between does not ask again.
_DURABLE: Literal["sync"] = "sync"


class Calls:
    """What a run needs of a graph."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph

    def state(self, config: RunnableConfig) -> Any:
        return self.graph.get_state(config)

    def find(self, config: RunnableConfig, metadata: dict[str, Any]) -> Any:
        return next(self.graph.get_state_history(config, filter=metadata, limit=1), None)

    def update(self, config: RunnableConfig, updates: Sequence[StateUpdate]) -> Any:
        return self.graph.bulk_update_state(config, [updates])

    def start(self, graph_input: Any, config: RunnableConfig) -> Any:
        return self.graph.stream(graph_input, config, stream_mode="checkpoints", durability=_DURABLE)

    def step(self, stream: Any) -> Any:
        return next(stream, None)

    def close(self, stream: Any) -> Any:
        stream.close()


class AsyncCalls(Calls):
    """`Calls` for async code: each returns something to await."""

    def state(self, config: RunnableConfig) -> Any:
        return self.graph.aget_state(config)

    def find(self, config: RunnableConfig, metadata: dict[str, Any]) -> Any:
        return anext(aiter(self.graph.aget_state_history(config, filter=metadata, limit=1)), None)

    def update(self, config: RunnableConfig, updates: Sequence[StateUpdate]) -> Any:
        return self.graph.abulk_update_state(config, [updates])

    def start(self, graph_input: Any, config: RunnableConfig) -> Any:
        return self.graph.astream(graph_input, config, stream_mode="checkpoints", durability=_DURABLE)

    def step(self, stream: Any) -> Any:
        return anext(stream, None)

    def close(self, stream: Any) -> Any:
        return stream.aclose()
