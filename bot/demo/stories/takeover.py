"""The takeover: an agent that is unsure stops. A person does the work and hands the thread back."""

from __future__ import annotations

from bot.demo.agents.agent import Agent, Document, Package, RefusedError
from bot.demo.agents.story import Story
from bot.demo.workspace import REQUESTER


def ask_for_help(turn: int) -> Package:
    """A package that recommends `escalate`, with what a person needs to take over."""
    case = f"ABC-2026-{130 + turn}"
    return {
        "title": f"Records of case {case} contradict each other",
        "action_type": "classify_case",
        "subject_type": "case",
        "subject_id": case,
        "proposed_action": "Classify it as a serious or a minor breach: I cannot tell which.",
        "rationale": "The inspector's note says 8.1 °C, the logger 12.6 °C. The outcomes differ widely.",
        "risk_level": "medium",
        "confidence": 0.41,
        "recommendation": "escalate",
        "action_parameters": {"case": case, "class": "serious"},
        "evidence_refs": [
            {"id": "note_5", "title": "The inspector's note", "excerpt": "8.1 °C at 10:40"},
            {"id": "log_5", "title": "The logger's file", "excerpt": "12.6 °C at 10:40"},
        ],
        "known_uncertainties": ["Which of the two was read wrong."],
        "requested_by": REQUESTER,
        "takeover": {
            "summary": "I read the file, compared both records and stopped before classifying the case.",
            "stopping_reason": "Two sources that I trust contradict each other.",
            "work_completed": ["Read 14 documents", "Compared the temperatures of both records"],
            "current_state": "The case is open and unclassified. Nothing was changed.",
            "next_steps": ["Ask the inspector about the note of 10:40", "Classify the case", "Hand the thread back"],
        },
    }


def explain(turn: int, document: Document) -> Package:
    """The agent cannot settle it by itself, whatever it is asked."""
    package = ask_for_help(turn)
    package["proposed_action"] += f" You asked: “{document['decision']['instructions']}” Both records still stand."
    return package


def draft_note(turn: int, document: Document) -> Package:
    case, decision = f"ABC-2026-{130 + turn}", document["decision"]
    name = decision["reviewers"][0]["name"]
    note = f"Classified by {name}: {decision['comment']}" if decision["comment"] else f"Classified by {name}."
    return {
        "title": f"Note in case {case} that a person settled it",
        "action_type": "update_case_note",
        "subject_type": "case",
        "subject_id": case,
        "proposed_action": f"Add to case {case}: classified by a person, see the thread.",
        "rationale": "Whoever opens the file should see why the agent did not classify it.",
        "risk_level": "low",
        "confidence": 0.96,
        "action_parameters": {"case": case, "note": note},
        "requested_by": REQUESTER,
    }


async def run(agent: Agent) -> None:
    document = await agent.propose(ask_for_help(agent.turn))
    document = await agent.wait_for_decision(document, lambda status: explain(agent.turn, status))
    if document["status"] != "taken_over":
        agent.did("Left the case as it is.")
        return
    document = await agent.wait_for_decision(await propose_note(agent, document))
    await agent.carry_out(document, lambda approved: f"Added a note to case {approved['case']}: “{approved['note']}”")


async def propose_note(agent: Agent, document: Document) -> Document:
    """Retry until it is accepted: while a person has the thread, Countersign takes nothing in it from the agent."""
    while True:
        try:
            return await agent.propose(draft_note(agent.turn, document), step="2")
        except RefusedError as refused:
            if refused.kind != "thread-taken-over":
                raise
            agent.log_received(str(refused))
        document = await agent.wait_for_change(document)


STORY = Story(
    name="takeover",
    agent="triage-agent",
    title="A takeover, and back",
    description="The agent is not sure and stops. Press Take over, then Hand back in Details: the agent goes on.",
    begins=("URITA", "C0ENFORCE"),
    run=run,
)
