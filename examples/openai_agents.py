"""The OpenAI Agents SDK with a tool behind a gate. A script stands in for the model: no key, and nothing leaves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from agents import Agent, RunContextWrapper, Runner, function_tool, set_tracing_disabled
from agents.items import ModelResponse, TResponseInputItem
from agents.models.interface import Model
from agents.usage import Usage
from openai.types.responses import ResponseFunctionToolCall, ResponseOutputMessage, ResponseOutputText

from countersign import gate


def explain_failure(_: RunContextWrapper[Any], fault: Exception) -> str:
    """Tells the model why the tool did not run. The message of the Agents SDK would invite it to try again."""
    return str(fault)


@function_tool(failure_error_function=explain_failure)
@gate(
    "send_customer_email",
    risk_level="medium",
    confidence=0.9,
    rationale="The customer asked when the parcel comes.",
    evidence_refs=["ticket 78"],
    side_effect_preview={"e-mails sent": 1},
    consequence="The customer reads it; it cannot be called back.",
)
async def send_email(to: str, text: str) -> str:
    """Send an e-mail to a customer."""
    return f"sent to {to}: {text}"


class Script(Model):
    """Calls the tool first, then says what came of it."""

    async def get_response(
        self,
        system_instructions: str | None,  # noqa: ARG002 - a script needs none
        input: str | list[TResponseInputItem],  # noqa: A002 - its name
        *_: Any,
        **__: Any,
    ) -> ModelResponse:
        result = _tool_result(input)
        output = _message(result) if result else _call('{"to": "ada@example.com", "text": "It comes today."}')
        return ModelResponse(output=[output], usage=Usage(), response_id=None)

    def stream_response(self, *_: Any, **__: Any) -> AsyncIterator[Any]:
        raise NotImplementedError


def _tool_result(given: str | list[TResponseInputItem]) -> str | None:
    results = [item for item in given if isinstance(item, dict) and item.get("type") == "function_call_output"]
    return str(results[-1]["output"]) if results else None  # type: ignore[typeddict-item]


def _call(arguments: str) -> ResponseFunctionToolCall:
    return ResponseFunctionToolCall(name="send_email", arguments=arguments, call_id="call_1", type="function_call")


def _message(text: str) -> ResponseOutputMessage:
    part = ResponseOutputText(text=text, type="output_text", annotations=[])
    return ResponseOutputMessage(id="msg_1", content=[part], role="assistant", status="completed", type="message")


async def main() -> None:
    set_tracing_disabled(disabled=True)
    agent = Agent(name="Support", instructions="Help the customer.", tools=[send_email], model=Script())
    print((await Runner.run(agent, "When does my parcel come?")).final_output)


if __name__ == "__main__":
    asyncio.run(main())
