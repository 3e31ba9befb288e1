"""PydanticAI with a tool behind a gate. A function stands in for the model: no key, and nothing leaves."""

from __future__ import annotations

import asyncio

from pydantic_ai import Agent, ModelMessage, ModelResponse, TextPart, ToolCallPart, ToolReturnPart
from pydantic_ai.models.function import AgentInfo, FunctionModel

from countersign import Outcome, gate


@gate(
    "delete_customer_data",
    risk_level="medium",
    confidence=0.9,
    rationale="The customer asked to be forgotten.",
    evidence_refs=["ticket 79"],
    side_effect_preview={"records deleted": 1},
    consequence="The record is gone.",
    refusals="return",
)
async def forget(customer: str) -> str:
    """Delete all that is known of a customer."""
    return f"{customer} is forgotten"


async def forget_customer(customer: str) -> str:
    """Delete all that is known of a customer."""
    result = await forget(customer)
    return f"not done: {result.message}" if isinstance(result, Outcome) else result


def script(messages: list[ModelMessage], _: AgentInfo) -> ModelResponse:
    """Calls the tool first, then says what came of it."""
    results = [part for message in messages for part in message.parts if isinstance(part, ToolReturnPart)]
    if results:
        return ModelResponse(parts=[TextPart(str(results[-1].content))])
    return ModelResponse(parts=[ToolCallPart("forget_customer", {"customer": "Ada"})])


async def main() -> None:
    agent = Agent(FunctionModel(script), tools=[forget_customer])
    print((await agent.run("Please forget me. Ada")).output)


if __name__ == "__main__":
    asyncio.run(main())
