"""Deleting data: critical, so two people decide, and both open Details first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.demo.agents.agent import Agent, Document, Package
from bot.demo.agents.requests import fewer_rows, with_evidence
from bot.demo.agents.story import Story
from bot.demo.workspace import REQUESTER


def proposal(turn: int, rows: int = 1204) -> Package:
    """The deletion that the agent proposes. A reviewer can ask for fewer `rows`."""
    return {
        "title": f"Delete {rows:,} customer records past their retention",
        "action_type": "delete_customer_data",
        "subject_type": "table",
        "subject_id": "customers",
        "proposed_action": "Delete the rows that were closed before 2016.",
        "rationale": "The retention plan keeps closed accounts for ten years. These are past it, and the data"
        " protection officer's list names each of them.",
        "risk_level": "critical",
        "confidence": 0.93,
        "action_parameters": {
            "table": "customers",
            "where": "closed_on < '2016-01-01' AND legal_hold = false",
            "rows": rows,
            "batch": f"retention-{turn}",
        },
        "evidence_refs": [
            {"id": "plan_4", "title": "Retention plan, section 4", "excerpt": "Closed accounts: ten years."},
            {"id": f"list_{turn}", "title": "The officer's list", "excerpt": f"{rows} accounts, signed 3 November."},
        ],
        "known_uncertainties": ["Two records share a number; both are past retention."],
        "alternatives": ["Make them anonymous, and keep the counts", "Wait for the yearly run in January"],
        "policy_basis": ["Retention plan, section 4", "GDPR, article 5(1)(e)"],
        "side_effect_preview": {"rows": rows, "oldest": "2011-03-02", "legal_holds": 0, "kept": "invoices"},
        "consequence": "The records are gone. After 35 days no backup holds them.",
        "rollback_plan": "Within 35 days from last night's backup; after that, none.",
        "reversibility": "irreversible_high",
        "data_classes": ["pii"],
        "requested_by": REQUESTER,
        "metadata": {"rows": rows},
    }


def narrow(turn: int, document: Document) -> Package:
    """As many fewer as the reviewer said; without a number, the two doubtful records are left out."""
    before, instructions = document["metadata"]["rows"], document["decision"]["instructions"]
    if document["status"] == "evidence_requested":
        return with_evidence(proposal(turn, before), "A count of this morning", f"{before} rows match the condition.")
    rows = fewer_rows(instructions, before)
    package = proposal(turn, rows=rows if rows < before else before - 2)
    package["known_uncertainties"] = [
        "The records that were left out are still there; someone must decide about them later."
    ]
    package["rationale"] += f" Fewer, after a review that said: {instructions}"
    return package


async def run(agent: Agent) -> None:
    agent.did("Compared the table customers with the retention plan and the officer's list.")
    document = await agent.propose(proposal(agent.turn))
    document = await agent.wait_for_decision(document, lambda status: narrow(agent.turn, status))
    await agent.carry_out(document, delete_rows)


def delete_rows(approved: Mapping[str, Any]) -> str:
    return f"Deleted {approved['rows']:,} rows of {approved['table']}, as batch {approved['batch']}."


STORY = Story(
    name="deletion",
    agent="data-steward",
    title="Deletion of data",
    description=(
        "Critical: two people must approve it, one of them a supervisor. Try it as Sven, then as Susan. Each of them"
        " must open Details first."
    ),
    begins=("USVEN", "C0DATA"),
    run=run,
)
