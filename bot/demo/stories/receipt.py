"""The soft approval: the receipt is sent unless someone objects within five minutes in which they could."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.demo.agents.agent import Agent, Document, Package
from bot.demo.agents.requests import with_evidence, words_to_add
from bot.demo.agents.story import Story
from bot.demo.workspace import REQUESTER

SENDERS = ("Harbour Foods", "Quayside Fish", "Saltworks")


def draft_receipt(turn: int, added: tuple[str, ...] = ()) -> Package:
    sender = SENDERS[turn % len(SENDERS)]
    return {
        "title": f"Tell {sender} that their appeal has arrived",
        "action_type": "send_receipt",
        "subject_type": "appeal",
        "subject_id": str(300 + turn),
        "proposed_action": f"Send the standard receipt for appeal {300 + turn} to {sender}.",
        "rationale": "Every appeal gets a receipt within a day. It is the same text each time, and promises nothing.",
        "risk_level": "medium",
        "confidence": 0.95,
        "action_parameters": {"appeal": 300 + turn, "to": sender, "template": "receipt-2"}
        | ({"note": " ".join(added)} if added else {}),
        "evidence_refs": [{"id": f"appeal_{300 + turn}", "title": "Their appeal, received this morning"}],
        "known_uncertainties": ["Whether the appeal was meant for another office."],
        "side_effect_preview": {"letters": 1, "template": "receipt-2"},
        "consequence": "They know that we have it. Nothing is decided by it.",
        "requested_by": REQUESTER,
        "metadata": {"added": added},
    }


def revise_receipt(turn: int, document: Document) -> Package:
    """The standard text stays; what the reviewer wrote goes out below it as a note."""
    added, instructions = tuple(document["metadata"]["added"]), document["decision"]["instructions"]
    if document["status"] == "evidence_requested":
        return with_evidence(draft_receipt(turn, added), "The stamp of the mail room", "Received today, 8:05.")
    return draft_receipt(turn, (*added, words_to_add(instructions)))


async def run(agent: Agent) -> None:
    agent.did("Found a new appeal in the mail, and filled in the standard receipt.")
    document = await agent.propose(draft_receipt(agent.turn))
    document = await agent.wait_for_decision(document, lambda status: revise_receipt(agent.turn, status))
    if document["status"] == "consented":
        agent.did("Nobody objected in time. This is consent by silence, not an approval.")
    await agent.carry_out(document, send_receipt)


def send_receipt(approved: Mapping[str, Any]) -> str:
    return f"Sent {approved['template']} for appeal {approved['appeal']} to {approved['to']}."


STORY = Story(
    name="receipt",
    agent="appeals-clerk",
    title="A receipt that is sent if nobody objects",
    description=(
        "It starts when you open it. Press Object to stop it, or move time on by five minutes and see it go ahead."
    ),
    begins=("UROSS", "C0REVIEWS"),
    waits=True,
    run=run,
)
