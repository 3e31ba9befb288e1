"""A read: low risk, reversible and certain, so nobody is asked; the audit log still has it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.demo.agents.agent import Agent, Package
from bot.demo.agents.story import Story
from bot.demo.workspace import REQUESTER


def request(turn: int) -> Package:
    """The read that the agent proposes. The policy lets it go ahead without a person."""
    return {
        "title": f"Read case file ABC-2026-{117 + turn}",
        "action_type": "read_case_file",
        "subject_type": "case",
        "subject_id": f"ABC-2026-{117 + turn}",
        "proposed_action": f"Read the documents of case ABC-2026-{117 + turn}; write nothing.",
        "rationale": "The draft of a notice needs the dates of both inspections.",
        "risk_level": "low",
        "confidence": 0.97,
        "action_parameters": {"case": f"ABC-2026-{117 + turn}", "mode": "read"},
        "requested_by": REQUESTER,
    }


async def run(agent: Agent) -> None:
    document = await agent.propose(request(agent.turn))
    await agent.carry_out(document, read_file)


def read_file(approved: Mapping[str, Any]) -> str:
    return f"Read 14 documents of case {approved['case']}; nobody was asked, and no card was posted."


STORY = Story(
    name="reading",
    agent="case-reader",
    title="A read that needs nobody",
    description=(
        "Low risk: nobody is asked, and there is no card. As Adam, send /reviews audit and its id to see the trail."
    ),
    run=run,
)
