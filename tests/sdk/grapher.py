"""A graph in its own process, with its checkpoints in a file. It deletes the records that people approve, once.

Two reviews run in one step, then the deletions. A deletion is a line in a file. With the argument `die` the process
kills itself right after the first one.
"""

from __future__ import annotations

import operator
import os
import signal
import sys
from pathlib import Path
from typing import Annotated, Any, TypedDict

from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import END, START, StateGraph

from countersign import AlreadyClaimedError, Client
from countersign.langgraph import ask, run_graph
from countersign.proposal import Proposal

FOLDER = Path(sys.argv[1])
DIES = sys.argv[2:] == ["die"]
CONFIG: Any = {"configurable": {"thread_id": "thread-1"}}


class State(TypedDict):
    decided: Annotated[list[tuple[str, str, bool]], operator.add]
    deleted: list[str]


def proposal(record: str) -> Proposal:
    return {
        "title": f"Delete record {record}",
        "action_type": "record.read",
        "action_parameters": {"record": record},
        "proposed_action": f"Delete record {record}.",
        "rationale": "The customer asked for it.",
        "risk_level": "high",
        "confidence": 0.95,
        "evidence_refs": ["doc_1"],
        "known_uncertainties": ["None that I know."],
        "side_effect_preview": {"deletes": 1},
        "consequence": "The record is gone.",
        "policy_basis": ["P-1"],
    }


def review(record: str) -> Any:
    def node(_: State) -> dict[str, Any]:
        with (FOLDER / "nodes").open("a") as log:
            log.write(f"{record}\n")
        outcome = ask(**proposal(record))
        return {"decided": [(outcome.decision_package_id, record, outcome.permits)]}

    return node


def delete(state: State) -> dict[str, Any]:
    with Client() as client:
        return {
            "deleted": [
                _delete(client, *decision) for decision in sorted(state["decided"], key=lambda decision: decision[1])
            ]
        }


def _delete(client: Client, package_id: str, record: str, permitted: bool) -> str:
    if not permitted:
        return f"{record} kept"
    try:
        with client.handle(package_id).executing() as parameters, (FOLDER / "ledger").open("a") as ledger:
            ledger.write(f"{parameters['record']}\n")
            ledger.flush()
            if DIES:
                os.kill(os.getpid(), signal.SIGKILL)
    except AlreadyClaimedError:
        return f"{record} unknown"
    return f"{record} deleted"


def main() -> None:
    builder = StateGraph(State)
    for record in ("42", "43"):
        builder.add_node(f"review_{record}", review(record))
        builder.add_edge(START, f"review_{record}")
        builder.add_edge(f"review_{record}", "delete")
    builder.add_node("delete", delete)
    builder.add_edge("delete", END)
    with SqliteSaver.from_conn_string(str(FOLDER / "checkpoints.db")) as saver, Client() as client:
        graph = builder.compile(checkpointer=saver)
        begun = graph.get_state(CONFIG).created_at is not None
        result = run_graph(graph, None if begun else {"decided": [], "deleted": []}, CONFIG, client)
        print(*result["deleted"], sep=", ")  # noqa: T201 - the script's result


if __name__ == "__main__":
    main()
