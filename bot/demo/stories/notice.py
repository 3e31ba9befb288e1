"""The enforcement notice: high risk, approved by two people in two roles, sent once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.demo.agents.agent import Agent, Document, Package, RefusedError
from bot.demo.agents.requests import days_in, words_to_add
from bot.demo.agents.story import Story
from bot.demo.workspace import REQUESTER

TEXT = (
    "You have not answered our letter of 1 October. Hand in the temperature records within {days} days of this notice."
)
UNCERTAIN = "The inspection record for May is missing."


def draft_notice(number: int, days: int = 14, added: tuple[str, ...] = ()) -> Package:
    """The notice that the agent proposes. `added` are sentences that reviewers asked for."""
    return {
        "title": f"Send enforcement notice draft #{number} to Entity ABC",
        "action_type": "send_enforcement_notice",
        "subject_type": "notice",
        "subject_id": f"#{number}",
        "proposed_action": "Send the notice by registered mail, under Policy P-2026-04.",
        "rationale": "Two inspections found the cold storage above 8 °C, and Entity ABC let the deadline of 1 October"
        " pass. P-2026-04, section 3, then asks for a formal notice.",
        "risk_level": "high",
        "confidence": 0.86,
        "action_parameters": {
            "notice": f"draft-{number}",
            "recipient": "Entity ABC, 4 Quay Street",
            "deadline_days": days,
            "text": " ".join([TEXT.format(days=days), *added]),
        },
        "evidence_refs": [
            {"id": "doc_1", "title": "Inspection of 14 April", "excerpt": "Cold store 2: 9.4 °C for six hours."},
            {"id": "doc_7", "title": "Inspection of 20 June", "excerpt": "Cold store 2: 8.8 °C; no records shown."},
        ],
        "known_uncertainties": [UNCERTAIN],
        "alternatives": ["Wait for the record of May", "Write a second reminder, without legal effect"],
        "policy_basis": ["P-2026-04, section 3: formal notice after a missed deadline"],
        "side_effect_preview": {"letter": "external legal notice", "case_status": "OPEN becomes NOTIFIED"},
        "consequence": "The case moves to NOTIFIED.",
        "downstream_impact": "The period for an appeal begins on the day of delivery.",
        "rollback_plan": "None for the letter; a notice of withdrawal can follow it.",
        "dissent": [{"by": "risk-agent", "position": "ask first", "reason": UNCERTAIN}],
        "data_classes": ["regulated"],
        "requested_by": REQUESTER,
        "metadata": {"days": days, "added": added},
    }


def revise_notice(number: int, document: Document) -> Package:
    """A reviewer who names a number of days gets that deadline; other words are added to the text."""
    before, instructions = document["metadata"], document["decision"]["instructions"]
    if document["status"] == "evidence_requested":
        return _with_record_of_may(draft_notice(number, before["days"], tuple(before["added"])))
    days = days_in(instructions)
    added = (*before["added"], *([] if days else [words_to_add(instructions)]))
    package = draft_notice(number, days or before["days"], added)
    package["rationale"] += f" Changed after a review that said: {instructions}"
    return package


def _with_record_of_may(package: Package) -> Package:
    record = {"id": "doc_12", "title": "Inspection of 18 May", "excerpt": "Cold store 2: 8.1 °C; found in paper."}
    package["evidence_refs"].append(record)
    package["known_uncertainties"] = ["The record of May is on paper, and was typed in by us."]
    return package


async def run(agent: Agent) -> None:
    number = 455 + agent.turn
    agent.did(f"The drafting agent wrote notice draft #{number}; the policy agent found P-2026-04, section 3.")
    agent.did("The risk agent flagged it as high: it leaves the house, and cannot be called back.")
    document = await agent.propose(draft_notice(number))
    document = await agent.wait_for_decision(document, lambda status: revise_notice(number, status))
    if await agent.carry_out(document, send_notice):
        await claim_again(agent, document)


def send_notice(approved: Mapping[str, Any]) -> str:
    return f"Sent {approved['notice']} to {approved['recipient']}, with {approved['deadline_days']} days to answer."


async def claim_again(agent: Agent, document: Document) -> None:
    """As after a crash: a second worker believes that the notice was never sent."""
    try:
        await agent.claim(document, "second-worker")
    except RefusedError as refused:
        agent.log_received(str(refused))
        agent.did("A second worker asked for it too and was refused: the notice goes out once.")


STORY = Story(
    name="notice",
    agent="notice-desk",
    title="Enforcement notice",
    description=(
        "High risk: approve it as Senta and as Susan. Try it as Nora, who asked for it: you are refused. Or press"
        " Revise first and name another number of days."
    ),
    begins=("USENTA", "C0ENFORCE"),
    run=run,
)
