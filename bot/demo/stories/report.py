"""A thread of two agents: one reads and hands over, the other writes. A person holds it, corrects it and resumes it.

Publishing fails, so people decide what to do: to try again, to roll back, or to leave it.
"""

from __future__ import annotations

import re
from typing import Any

from bot.demo.agents.agent import Agent, Document, Package
from bot.demo.agents.requests import with_evidence
from bot.demo.agents.story import Story
from bot.demo.workspace import REQUESTER

WRONG_YEAR = 2025  # the inspections were in 2026, as the evidence says
FAILURE = "The website took the title page, and then did not answer."


def read_findings(turn: int) -> Package:
    return {
        "title": f"Read the findings for report {turn}",
        "action_type": "read_case_file",
        "subject_type": "report",
        "subject_id": str(turn),
        "proposed_action": "Read the findings of all inspections of cold stores.",
        "rationale": "The report is made of them.",
        "risk_level": "low",
        "confidence": 0.97,
        "action_parameters": {"report": turn, "mode": "read"},
        "requested_by": REQUESTER,
    }


def draft_report(turn: int, year: int = WRONG_YEAR, resumed_at: str | None = None) -> Package:
    """The report. `resumed_at` is when people last resumed the thread, as far as this version knows."""
    return {
        "title": f"Publish report {turn}: cold stores in {year}",
        "action_type": "publish_report",
        "subject_type": "report",
        "subject_id": str(turn),
        "proposed_action": "Publish the report on our website.",
        "rationale": "The supervisor wants it this week.",
        "risk_level": "medium",
        "confidence": 0.78,
        "action_parameters": {
            "report": turn,
            "year": year,
            "text": f"In {year} we inspected 41 cold stores. Nine were too warm.",
        },
        "evidence_refs": [{"id": "findings", "title": "Findings, April to June 2026"}],
        "known_uncertainties": ["Whether the year is right."],
        "consequence": "Everyone can read it.",
        "rollback_plan": "Take the page down. Who has read it has read it.",
        "requested_by": REQUESTER,
        "metadata": {"year": year, "resumed": resumed_at},
    }


async def run(agent: Agent) -> None:
    writer = agent.helper
    if writer is None:
        raise RuntimeError("This story needs a second agent.")
    await research(agent)
    await hand_over(agent, writer)
    document = await agreed_report(writer)
    if document["may_proceed"] or document["execution"]["state"] != "none":
        await publish(writer, document)
    else:
        writer.did("Published nothing, because there is no permission.")


async def research(agent: Agent) -> None:
    document = await agent.propose(read_findings(agent.turn))
    await agent.carry_out(document, lambda _: "Read the findings of 41 inspections. Nobody was asked.")


async def hand_over(agent: Agent, writer: Agent) -> None:
    """A restarted agent repeats this safely: the keys are the same, so the service makes no second handoff."""
    agent.log_sent(f"Handed the thread to {writer.name}, with what was read")
    offer = {
        "thread_id": agent.thread_id,
        "to_agent": writer.name,
        "mode": "peer",
        "reason": "The findings are read. Please write the report.",
        "captured_state": {"inspections": 41, "too_warm": 9},
        "user_context": {"reader": "the supervisor"},
    }
    handoff = await agent.call("POST", "/v1/handoffs", offer, key=f"{agent.run_id}-handoff")
    accepted = f"/v1/handoffs/{handoff['handoff_id']}/accept"
    await writer.call("POST", accepted, {}, key=f"{writer.run_id}-accept")
    writer.log_received(f"{offer['reason']} The thread is mine now.")


async def agreed_report(writer: Agent) -> Document:
    """Wait for the decision. A correction, by Revise or when the thread is resumed, becomes the next version."""
    document = await writer.propose(draft_report(writer.turn))
    while not document["terminal"]:
        if document["status"] in ("revision_requested", "evidence_requested"):
            document = await writer.revise(document, answer(writer.turn, document))
        elif correction := await corrected_report(writer, document):
            document = await writer.revise(document, correction)
        document = await writer.wait_for_change(document)
    while (await thread_of(writer))["state"] == "held":  # an approval that is held may not be used yet
        document = await writer.wait_for_change(document)
    return document


async def thread_of(writer: Agent) -> Document:
    return await writer.call("GET", f"/v1/threads/{writer.thread_id}")


def answer(turn: int, document: Document) -> Package:
    year, resumed_at = document["metadata"]["year"], document["metadata"]["resumed"]
    if document["status"] == "evidence_requested":
        return with_evidence(draft_report(turn, year, resumed_at), "The list of inspections", "41 lines, all of 2026.")
    return draft_report(turn, year_in(document["decision"]["instructions"]) or year, resumed_at)


async def corrected_report(writer: Agent, document: Document) -> Package | None:
    """The version that people wanted when they resumed the thread; None if they have not. Logs if they hold it."""
    thread = await thread_of(writer)
    if thread["state"] == "held":
        writer.log_received(f"{thread['agent_message']} Reason: {thread['reason']}")
        return None
    if thread["since"] is None or thread["since"] == document["metadata"]["resumed"]:
        return None
    year = corrected_year(thread) or document["metadata"]["year"]
    writer.log_received(f"A person resumed the thread. The year is {year}.")
    return draft_report(writer.turn, year, thread["since"])


def corrected_year(thread: Document) -> int | None:
    state: dict[str, Any] = thread["modified_state"] or {}
    return year_in(str(state.get("year", ""))) or year_in(thread["instruction"] or "")


def year_in(words: str) -> int | None:
    match = re.search(r"\b20\d\d\b", words)
    return int(match[0]) if match else None


async def publish(writer: Agent, document: Document) -> None:
    """The first attempt fails halfway, and people decide how to go on. A restarted agent continues where it was."""
    claim = f"{writer.run_id}-first"
    if document["recovery"] is None and document["execution"]["state"] in ("none", "claimed"):
        document = await writer.claim(document, claim)
        writer.did(f"{FAILURE} Half of the report is published.")
        document = await writer.report(document, "failed", claim, FAILURE)
    while document["recovery"] is None and document["execution"]["state"] == "failed":
        document = await writer.wait_for_change(document)
    if document["execution"]["state"] not in ("succeeded", "rolled_back"):
        await recover(writer, document, claim)


async def recover(writer: Agent, document: Document, claim: str) -> None:
    """Does what people decided after the failure: roll back, try again, or leave it."""
    decision = document["recovery"]["decision"] if document["recovery"] else None
    if decision == "rollback":
        writer.did("Took the half-published report down.")
        await writer.report(document, "rolled_back", claim, "The page is down.")
    elif decision == "retry":
        again = f"{writer.run_id}-second"
        document = await writer.claim(document, again)
        writer.did(f"Published report {writer.turn}, as approved.")
        await writer.report(document, "succeeded", again, "It is published.")
    else:
        writer.did("Left it as it is.")


STORY = Story(
    name="report",
    agent="research-agent",
    helper="report-writer",
    title="A report by two agents",
    description=(
        "It starts when you open it. One agent reads and hands over to another. The year is wrong: press Hold thread"
        " in Details, then Resume thread, and write 2026. Approve it. Publishing fails: press Ask for rollback."
    ),
    begins=("URITA", "C0ENFORCE"),
    waits=True,
    run=run,
)
