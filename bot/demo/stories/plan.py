"""A plan: people discuss it, send it back as often as they like, and approve the final version."""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import shorten
from typing import Any

from bot.demo.agents.agent import Agent, Document, Package
from bot.demo.agents.requests import with_evidence
from bot.demo.agents.story import Story
from bot.demo.workspace import REQUESTER

STEPS = ("Cold stores, 12 visits", "Restaurants, 30 visits", "Transport, 8 visits")


def draft_plan(turn: int, requests: tuple[str, ...] = ()) -> Package:
    steps = [*STEPS, *(f"As asked in review: {words}" for words in requests)]
    return {
        "kind": "plan",
        "title": f"Inspection plan for week {48 + turn}",
        "action_type": "inspection_plan",
        "subject_type": "week",
        "subject_id": str(48 + turn),
        "proposed_action": "Visit the places with the most findings first.",
        "rationale": "Cold storage had most of the findings this year.",
        "risk_level": "medium",
        "confidence": 0.74,
        "action_parameters": {"week": 48 + turn, "steps": steps},
        "evidence_refs": [{"id": "findings_2026", "title": "Findings by kind of business, this year"}],
        "alternatives": ["Half as many restaurants, and the bakeries"],
        "requested_by": REQUESTER,
        "metadata": {"asked": requests},
    }


def revise_plan(turn: int, document: Document) -> Package:
    """Earlier requests are kept in the package's metadata, from which the agent reads them again."""
    earlier_requests = tuple(document["metadata"]["asked"])
    if document["status"] == "evidence_requested":
        return with_evidence(draft_plan(turn, earlier_requests), "Visits since May, by street", "Quay Street: none.")
    return draft_plan(turn, (*earlier_requests, shorten(document["decision"]["instructions"], 200)))


async def run(agent: Agent) -> None:
    document = await agent.propose(draft_plan(agent.turn))
    document = await agent.wait_for_decision(document, lambda status: revise_plan(agent.turn, status))
    await agent.carry_out(document, enter_plan)


def enter_plan(approved: Mapping[str, Any]) -> str:
    return f"Entered week {approved['week']} into the calendar, in {len(approved['steps'])} steps."


STORY = Story(
    name="plan",
    agent="planning-agent",
    title="A plan, discussed",
    description="Comment in Details, or press Revise and say what is missing: the agent plans again. Then approve it.",
    begins=("URITA", "C0ENFORCE"),
    run=run,
)
