"""A question: an agent asks and works with the answer. An answer is no permission."""

from __future__ import annotations

from bot.demo.agents.agent import Agent, Document, Package
from bot.demo.agents.story import Story
from bot.demo.workspace import REQUESTER


def question(turn: int) -> Package:
    """The question that the agent asks, about a case of its own in each turn."""
    return {
        "kind": "question",
        "title": "Which address of Entity ABC is the right one?",
        "action_type": "case_question",
        "subject_type": "case",
        "subject_id": f"ABC-2026-{117 + turn}",
        "proposed_action": "The register says 4 Quay Street, their letterhead says 40 Quay Street."
        " To which of the two do we write?",
        "rationale": "A notice that goes to the wrong door does not count.",
        "risk_level": "low",
        "confidence": 0.55,
        "evidence_refs": [
            {"id": "register_9", "title": "Trade register, of 2 May", "excerpt": "4 Quay Street, Northport"},
            {"id": "letter_3", "title": "Their letter of 9 September", "excerpt": "40 Quay Street, Northport"},
        ],
        "answers": ["4 Quay Street", "40 Quay Street", "Both"],
        "requested_by": REQUESTER,
    }


def explain(turn: int, document: Document) -> Package:
    """The agent knows no more than the file: it says so, and asks again."""
    package = question(turn)
    package["proposed_action"] += (
        f" You asked: “{document['decision']['instructions']}” The file says no more than this."
    )
    return package


async def run(agent: Agent) -> None:
    agent.did("Found two addresses in the file, and no way to tell which one is right.")
    document = await agent.propose(question(agent.turn))
    document = await agent.wait_for_decision(document, lambda status: explain(agent.turn, status))
    if document["decision"] and document["decision"]["answer"]:
        agent.did(f"Wrote into the draft: “{document['decision']['answer']}”")
    else:
        agent.did("Left the address open: nobody answered.")


STORY = Story(
    name="question",
    agent="drafting-agent",
    title="A question",
    description="The agent asks. Any reviewer may press an answer, and silence is never an answer.",
    begins=("URITA", "C0ENFORCE"),
    run=run,
)
