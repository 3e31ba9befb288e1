"""The patterns of the SDK: self-assessed confidence, the escalating agent and the interactive plan."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from countersign import Rejected, RejectedError, WithdrawnError
from countersign.confidence import Confidence, confidence_prompt, parse_confidence
from countersign.escalating import AsyncEscalatingAgent, Attempt, EscalatingAgent
from countersign.planning import AsyncInteractivePlan, InteractivePlan, Plan
from rules.state.commands import Verb
from tests.bot.slack.office import RITA, SENTA
from tests.sdk.agents import Agent, ThreadedCalls

ASSESSMENT = """Here is my assessment.

**CONFIDENCE_SCORE:** 0.72
RATIONALE: The address may be out of date.
UNCERTAINTIES: the address, [whether they moved]
RECOMMENDATION: clarify
"""


def test_an_assessment_is_parsed() -> None:
    assert parse_confidence(ASSESSMENT) == Confidence(
        0.72, "The address may be out of date.", ("the address", "whether they moved"), "clarify"
    )


def test_an_assessment_becomes_fields_of_a_package() -> None:
    assert parse_confidence(ASSESSMENT).said == {
        "confidence": 0.72,
        "known_uncertainties": ("the address", "whether they moved"),
        "recommendation": "clarify",
    }


@pytest.mark.parametrize("score", ["85%", "0.85", ".85", "[0.85]", "`0.85`"])
def test_a_score_is_parsed_in_each_form_that_models_write(score: str) -> None:
    assert parse_confidence(f"CONFIDENCE_SCORE: {score}\nRECOMMENDATION: PROCEED").score == 0.85


@pytest.mark.parametrize("nothing", ["none", "None.", "[]", "", "n/a"])
def test_an_empty_list_of_uncertainties_is_parsed_as_none(nothing: str) -> None:
    text = f"CONFIDENCE_SCORE: 1\nUNCERTAINTIES: {nothing}\nRECOMMENDATION: PROCEED"
    assert parse_confidence(text).uncertainties == ()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "I am sure.",
        "CONFIDENCE_SCORE: high\nRECOMMENDATION: PROCEED",
        "CONFIDENCE_SCORE: 1.5\nRECOMMENDATION: PROCEED",
        "CONFIDENCE_SCORE: -0.1\nRECOMMENDATION: PROCEED",
        "CONFIDENCE_SCORE: nan\nRECOMMENDATION: PROCEED",
        "CONFIDENCE_SCORE: 0.9",
        "CONFIDENCE_SCORE: 0.9\nRECOMMENDATION: PROCEED | CLARIFY | ESCALATE",
        "CONFIDENCE_SCORE: 0.2\nCONFIDENCE_SCORE: 0.9\nRECOMMENDATION: PROCEED",
        "CONFIDENCE_SCORE: 0.9\nRECOMMENDATION: ESCALATE\nRECOMMENDATION: PROCEED",
    ],
)
def test_an_unclear_assessment_has_no_confidence_and_escalates(text: str) -> None:
    confidence = parse_confidence(text)
    assert (confidence.score, confidence.recommendation) == (0.0, "escalate")
    assert "could not be read" in confidence.uncertainties[0]


def test_the_prompt_keeps_braces_in_the_task() -> None:
    text = confidence_prompt("format {planned_action} and {0}", "write {x}")
    assert "Task: format {planned_action} and {0}\n" in text
    assert "Planned action: write {x}\n" in text


def attempt(score: float, recommendation: Any = "proceed") -> Attempt:
    return Attempt("Green.", Confidence(score, "They said so once.", (), recommendation))


def escalating_agent(agent: Agent, answer: Attempt) -> Any:
    if isinstance(agent.client, ThreadedCalls):
        return ThreadedCalls(EscalatingAgent(agent.client.wrapped, lambda _: answer))

    async def try_task(_: str) -> Attempt:
        return answer

    return AsyncEscalatingAgent(agent.client, try_task)


async def test_an_escalating_agent_answers_by_itself_if_it_is_sure(agent: Agent) -> None:
    result = await escalating_agent(agent, attempt(0.7)).execute_task("Which colour?")
    assert (result.status, result.result, result.outcome) == ("completed", "Green.", None)


@pytest.mark.parametrize("unsure", [attempt(0.69), attempt(0.3), attempt(0.9, "clarify"), attempt(0.9, "escalate")])
async def test_an_escalating_agent_asks_if_it_is_not_sure_and_uses_the_answer(agent: Agent, unsure: Attempt) -> None:
    working = asyncio.ensure_future(escalating_agent(agent, unsure).execute_task("Which colour?"))
    card = await agent.card(await agent.wait_for_package())
    assert "Green." in card.shown
    await agent.office.give(SENTA, card, Verb.ANSWER, {"answer": "Blue."})
    result = await working
    assert (result.status, result.result) == ("completed_with_help", "Blue.")


async def test_an_escalating_agent_without_an_answer_is_uncertain(agent: Agent) -> None:
    working = asyncio.ensure_future(escalating_agent(agent, attempt(0.6)).execute_task("Which colour?"))
    await agent.office.give(
        SENTA, await agent.card(await agent.wait_for_package()), Verb.REJECT, {"comment": "Not for you."}
    )
    result = await working
    assert (result.status, result.result) == ("uncertain", "Green.")
    assert isinstance(result.outcome, Rejected)


async def test_a_person_can_take_over_from_an_escalating_agent(agent: Agent) -> None:
    working = asyncio.ensure_future(escalating_agent(agent, attempt(0.6)).execute_task("Which colour?"))
    await agent.office.give(
        SENTA, await agent.card(await agent.wait_for_package()), Verb.TAKE_OVER, {"comment": "Mine."}
    )
    assert (await working).status == "taken_over"


def interactive_plan(agent: Agent, **options: Any) -> Any:
    def propose(goal: str) -> Plan:
        return Plan(steps=("Look", f"Do {goal}"), questions=("By when?",))

    def incorporate(plan: Plan, feedback: str) -> Plan:
        return Plan(steps=(*plan.steps, feedback))

    if isinstance(agent.client, ThreadedCalls):
        return ThreadedCalls(InteractivePlan(agent.client.wrapped, propose, incorporate, **options))

    async def propose_async(goal: str) -> Plan:
        return propose(goal)

    async def incorporate_async(plan: Plan, feedback: str) -> Plan:
        return incorporate(plan, feedback)

    return AsyncInteractivePlan(agent.client, propose_async, incorporate_async, **options)


async def test_a_plan_is_improved_by_comments_until_people_approve_it(agent: Agent) -> None:
    agreeing = asyncio.ensure_future(interactive_plan(agent).agree("the move"))
    for feedback in ("Ask Ada", "Tell Bob"):
        await agent.office.give(
            RITA, await agent.card(await agent.wait_for_package()), Verb.REVISE, {"instructions": feedback}
        )
    card = await agent.card(await agent.wait_for_package())
    assert "1. Look\n2. Do the move\n3. Ask Ada\n4. Tell Bob" in card.shown
    await agent.office.give(RITA, card, Verb.APPROVE)
    agreed = await agreeing
    assert agreed.steps == ("Look", "Do the move", "Ask Ada", "Tell Bob")
    assert await agent.execution(agreed.handle) == "none"


async def test_a_rejected_plan_raises(agent: Agent) -> None:
    agreeing = asyncio.ensure_future(interactive_plan(agent).agree("the move"))
    await agent.office.give(RITA, await agent.card(await agent.wait_for_package()), Verb.REJECT, {"comment": "Stay."})
    with pytest.raises(RejectedError, match="Stay"):
        await agreeing


async def test_a_plan_is_withdrawn_after_the_last_revision(agent: Agent) -> None:
    agreeing = asyncio.ensure_future(interactive_plan(agent, revisions=1).agree("the move"))
    for feedback in ("Ask Ada", "Tell Bob"):
        await agent.give_newest(Verb.REVISE, by=RITA, instructions=feedback)
    with pytest.raises(WithdrawnError, match="cancelled"):
        await agreeing
