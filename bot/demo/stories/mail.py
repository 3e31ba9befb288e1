"""The e-mail assistant: its draft is approved, rejected, or corrected and then sent as corrected."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from bot.demo.agents.agent import Agent, Document, Package
from bot.demo.agents.requests import with_evidence, words_to_add
from bot.demo.agents.story import Story
from bot.demo.workspace import REQUESTER


class Letter(NamedTuple):
    to: str
    subject: str
    body: str


LETTERS = (
    Letter(
        to="m.vale@harbour-foods.example",
        subject="Your question about the fee of 12 March",
        body="Dear Ms. Vale,\nYou are right: the fee of 12 March was charged twice. We return 84 EUR within ten days.",
    ),
    Letter(
        to="office@quayside-fish.example",
        subject="Your permit runs out",
        body="Dear Quayside Fish,\nYour permit NP-2291 runs out on 31 December. Please renew it by 10 December.",
    ),
    Letter(
        to="j.oduya@saltworks.example",
        subject="The appointment for your inspection",
        body="Dear Mr. Oduya,\nWe come on Thursday at nine. Please have this year's temperature records at hand.",
    ),
)


def draft_mail(turn: int, added: tuple[str, ...] = ()) -> Package:
    letter = LETTERS[turn % len(LETTERS)]
    return {
        "title": f"Send e-mail: {letter.subject}",
        "action_type": "send_customer_email",
        "subject_type": "message",
        "subject_id": f"inbox-{turn}",
        "proposed_action": f"Send e-mail: {letter.subject}",
        "rationale": "They wrote to us, and the answer follows from their file.",
        "risk_level": "medium",
        "confidence": 0.82,
        "action_parameters": {
            "to": letter.to,
            "subject": letter.subject,
            "body": "\n\n".join([letter.body, *added]),
        },
        "evidence_refs": [{"id": f"inbox_{turn}", "title": "Their message"}],
        "known_uncertainties": ["Whether this person may speak for the company."],
        "side_effect_preview": {"emails": 1, "recipients": [letter.to]},
        "consequence": "One e-mail leaves the house in our name.",
        "requested_by": REQUESTER,
        "metadata": {"added": added},
    }


def redraft_mail(turn: int, document: Document) -> Package:
    """What a reviewer wants to be changed is added to the text; evidence is quoted from the file."""
    added, instructions = tuple(document["metadata"]["added"]), document["decision"]["instructions"]
    if document["status"] == "evidence_requested":
        return with_evidence(draft_mail(turn, added), "Their file", "No other letter of this month.")
    package = draft_mail(turn, (*added, words_to_add(instructions)))
    package["rationale"] += f" Written again after a review that said: {instructions}"
    return package


async def run(agent: Agent) -> None:
    agent.did("Read a message, looked at the file and drafted an answer.")
    document = await agent.propose(draft_mail(agent.turn))
    document = await agent.wait_for_decision(document, lambda status: redraft_mail(agent.turn, status))
    if document["decision"] and document["decision"]["decision"] == "approve_with_edits":
        agent.did("Someone corrected my draft, so I send their version.")
    await agent.carry_out(document, send_mail)


def send_mail(approved: Mapping[str, Any]) -> str:
    return f"Sent to {approved['to']}: {approved['subject']} ({len(approved['body'])} characters)."


STORY = Story(
    name="mail",
    agent="mail-assistant",
    title="E-mail assistant",
    description=(
        "Approve it, reject it, or correct it (Details, Edit and approve). Or press Revise and write what to add."
        " The e-mail that you approve is the one that is sent."
    ),
    begins=("URITA", "C0REVIEWS"),
    run=run,
)
