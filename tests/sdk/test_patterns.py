"""How agents work with people: sure of it or not, and planning together."""

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
from tests.sdk.agents import Agent, Threaded

SAID = """Here is my assessment.

**CONFIDENCE_SCORE:** 0.72
RATIONALE: The address may be out of date.
UNCERTAINTIES: the address, [whether they moved]
RECOMMENDATION: clarify
"""


def test_an_assessment_is_read() -> None:
    assert parse_confidence(SAID) == Confidence(
        0.72, "The address may be out of date.", ("the address", "whether they moved"), "clarify"
    )


def test_what_it_says_goes_into_a_package() -> None:
    assert parse_confidence(SAID).said == {
        "confidence": 0.72,
        "known_uncertainties": ("the address", "whether they moved"),
        "recommendation": "clarify",
    }


@pytest.mark.parametrize("score", ["85%", "0.85", ".85", "[0.85]", "`0.85`"])
def test_a_score_is_read_as_models_write_it(score: str) -> None:
    assert parse_confidence(f"CONFIDENCE_SCORE: {score}\nRECOMMENDATION: PROCEED").score == 0.85


@pytest.mark.parametrize("nothing", ["none", "None.", "[]", "", "n/a"])
def test_no_uncertainties_are_none(nothing: str) -> None:
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
def test_what_cannot_be_read_for_certain_is_no_confidence_and_asks_for_a_person(text: str) -> None:
    found = parse_confidence(text)
    assert (found.score, found.recommendation) == (0.0, "escalate")
    assert "could not be read" in found.uncertainties[0]


def test_the_prompt_takes_any_task_as_it_is() -> None:
    text = confidence_prompt("format {planned_action} and {0}", "write {x}")
    assert "Task: format {planned_action} and {0}\n" in text
    assert "Planned action: write {x}\n" in text


def attempt(score: float, recommendation: Any = "proceed") -> Attempt:
    return Attempt("Green.", Confidence(score, "They said so once.", (), recommendation))


def escalating(agent: Agent, its: Attempt) -> Any:
    if isinstance(agent.client, Threaded):
        return Threaded(EscalatingAgent(agent.client.its, lambda _: its))

    async def try_task(_: str) -> Attempt:
        return its

    return AsyncEscalatingAgent(agent.client, try_task)


async def test_what_it_is_sure_of_it_does_by_itself(agent: Agent) -> None:
    result = await escalating(agent, attempt(0.7)).execute_task("Which colour?")
    assert (result.status, result.result, result.outcome) == ("completed", "Green.", None)


@pytest.mark.parametrize("unsure", [attempt(0.69), attempt(0.3), attempt(0.9, "clarify"), attempt(0.9, "escalate")])
async def test_what_it_is_not_sure_of_it_asks_and_uses_the_answer(agent: Agent, unsure: Attempt) -> None:
    working = asyncio.ensure_future(escalating(agent, unsure).execute_task("Which colour?"))
    card = await agent.card(await agent.proposed())
    assert "Green." in card.shown
    await agent.office.give(SENTA, card, Verb.ANSWER, {"answer": "Blue."})
    result = await working
    assert (result.status, result.result) == ("completed_with_help", "Blue.")


async def test_without_an_answer_it_stays_uncertain_and_says_why(agent: Agent) -> None:
    working = asyncio.ensure_future(escalating(agent, attempt(0.6)).execute_task("Which colour?"))
    await agent.office.give(SENTA, await agent.card(await agent.proposed()), Verb.REJECT, {"comment": "Not for you."})
    result = await working
    assert (result.status, result.result) == ("uncertain", "Green.")
    assert isinstance(result.outcome, Rejected)


async def test_or_a_person_takes_over(agent: Agent) -> None:
    working = asyncio.ensure_future(escalating(agent, attempt(0.6)).execute_task("Which colour?"))
    await agent.office.give(SENTA, await agent.card(await agent.proposed()), Verb.TAKE_OVER, {"comment": "Mine."})
    assert (await working).status == "taken_over"


def planning(agent: Agent, **options: Any) -> Any:
    def propose(goal: str) -> Plan:
        return Plan(steps=("Look", f"Do {goal}"), questions=("By when?",))

    def incorporate(plan: Plan, feedback: str) -> Plan:
        return Plan(steps=(*plan.steps, feedback))

    if isinstance(agent.client, Threaded):
        return Threaded(InteractivePlan(agent.client.its, propose, incorporate, **options))

    async def propose_async(goal: str) -> Plan:
        return propose(goal)

    async def incorporate_async(plan: Plan, feedback: str) -> Plan:
        return incorporate(plan, feedback)

    return AsyncInteractivePlan(agent.client, propose_async, incorporate_async, **options)


async def test_a_plan_is_bettered_by_what_people_say_until_they_agree(agent: Agent) -> None:
    agreeing = asyncio.ensure_future(planning(agent).agree("the move"))
    for feedback in ("Ask Ada", "Tell Bob"):
        await agent.office.give(RITA, await agent.card(await agent.proposed()), Verb.REVISE, {"instructions": feedback})
    card = await agent.card(await agent.proposed())
    assert "1. Look\n2. Do the move\n3. Ask Ada\n4. Tell Bob" in card.shown
    await agent.office.give(RITA, card, Verb.APPROVE)
    agreed = await agreeing
    assert agreed.steps == ("Look", "Do the move", "Ask Ada", "Tell Bob")
    assert await agent.execution(agreed.handle) == "none"


async def test_a_plan_that_people_do_not_agree_to_is_not_one(agent: Agent) -> None:
    agreeing = asyncio.ensure_future(planning(agent).agree("the move"))
    await agent.office.give(RITA, await agent.card(await agent.proposed()), Verb.REJECT, {"comment": "Stay."})
    with pytest.raises(RejectedError, match="Stay"):
        await agreeing


async def test_a_plan_that_is_never_good_enough_is_withdrawn_in_the_end(agent: Agent) -> None:
    agreeing = asyncio.ensure_future(planning(agent, revisions=1).agree("the move"))
    for feedback in ("Ask Ada", "Tell Bob"):
        await agent.gives(Verb.REVISE, by=RITA, instructions=feedback)
    with pytest.raises(WithdrawnError, match="cancelled"):
        await agreeing
