"""A LangGraph agent that deletes a customer's record only if people let it; what can be undone it does by itself.

The graph pauses in its checkpoint while people decide. End it at any moment and start it again with the same folder: it
goes on where it was, and deletes at most once.
"""

from __future__ import annotations

import sqlite3
import sys
from pathlib import Path
from typing import Any, TypedDict

from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import END, START, StateGraph

from countersign import AlreadyClaimedError, Client
from countersign.langgraph import ask, run_graph

FOLDER = Path(sys.argv[1] if sys.argv[1:] else "database_writer")
REVERSIBLE = {"read_record"}


class AgentState(TypedDict, total=False):
    task: str
    proposed_action: str
    record_id: int
    package_id: str | None
    result: str


def customers() -> sqlite3.Connection:
    database = sqlite3.connect(FOLDER / "customers.db")
    database.execute("CREATE TABLE IF NOT EXISTS customers (id INTEGER PRIMARY KEY, name TEXT)")
    database.execute("INSERT OR IGNORE INTO customers VALUES (41, 'Ada'), (42, 'Test customer')")
    database.commit()
    return database


def plan(state: AgentState) -> AgentState:
    """Where a model would choose."""
    deletes = "delete" in state["task"].lower()
    return {"proposed_action": "delete_customer_data" if deletes else "read_record", "record_id": 42}


def classify_and_gate(state: AgentState) -> AgentState:
    """Runs again from here when the graph goes on: nothing before `ask` may have an effect."""
    if state["proposed_action"] in REVERSIBLE:
        return {"package_id": None}
    record = state["record_id"]
    outcome = ask(
        title=f"Delete customer record {record}",
        action_type=state["proposed_action"],
        action_parameters={"record_id": record, "table": "customers"},
        proposed_action=f"Delete record {record} from the table customers.",
        rationale=state["task"],
        risk_level="medium",
        confidence=0.9,
        subject_type="customer",
        subject_id=str(record),
        reversibility="irreversible_high",
        evidence_refs=["The record is named 'Test customer'"],
        side_effect_preview={"records deleted": 1},
        consequence="The record is gone; only a backup could bring it back.",
    )
    if not outcome.permits:
        return {"package_id": None, "result": f"Not deleted. {outcome.message}"}
    return {"package_id": outcome.decision_package_id}


def execute(state: AgentState) -> AgentState:
    if "result" in state:
        return {}
    database = customers()
    try:
        if state["package_id"] is None:
            row = database.execute("SELECT name FROM customers WHERE id = ?", [state["record_id"]]).fetchone()
            return {"result": f"Record {state['record_id']}: {row}"}
        return {"result": _delete(database, state["package_id"])}
    finally:
        database.close()


def _delete(database: sqlite3.Connection, package_id: str) -> str:
    """With the parameters as approved, and under a claim: a second attempt is refused."""
    with Client() as client:
        try:
            with client.handle(package_id).executing() as approved, database:
                database.execute("DELETE FROM customers WHERE id = ?", [approved["record_id"]])
        except AlreadyClaimedError:
            return f"An earlier attempt has claimed {package_id}: check whether the record is gone"
    return f"Deleted record {approved['record_id']}"


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    customers().close()
    builder = StateGraph(AgentState)
    steps: list[tuple[str, Any]] = [("plan", plan), ("classify_and_gate", classify_and_gate), ("execute", execute)]
    builder.add_sequence(steps)
    builder.add_edge(START, "plan")
    builder.add_edge("execute", END)
    config: Any = {"configurable": {"thread_id": "delete-test-customer"}}
    with SqliteSaver.from_conn_string(str(FOLDER / "checkpoints.db")) as saver, Client() as client:
        graph = builder.compile(checkpointer=saver)
        is_started = graph.get_state(config).created_at is not None
        graph_input = None if is_started else {"task": "Delete the test customer's record"}
        print(run_graph(graph, graph_input, config, client)["result"])


if __name__ == "__main__":
    main()
