"""A handoff of the OpenAI Agents SDK that Countersign knows: its callback hands the thread to the other agent's key.

So what the writer does next is asked in the same thread, under its own name, and whoever was barred stays barred. Two
agents need two keys: COUNTERSIGN_AGENT_KEY for the triage agent, and LETTER_WRITER_KEY for the agent `letter-writer`.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from typing import Any

from agents import Agent, RunContextWrapper, Runner, function_tool, handoff, set_tracing_disabled
from agents.items import ModelResponse, TResponseInputItem
from agents.models.interface import Model
from agents.usage import Usage
from openai.types.responses import ResponseFunctionToolCall, ResponseOutputMessage, ResponseOutputText

from countersign import AsyncClient, gate

THREAD = "support-12"


class Script(Model):
    """Stands in for a model: calls one tool, and then repeats what came of it."""

    def __init__(self, tool: str, arguments: str = "{}") -> None:
        self.call = ResponseFunctionToolCall(name=tool, arguments=arguments, call_id=tool, type="function_call")

    async def get_response(
        self,
        system_instructions: str | None,  # noqa: ARG002 - a script needs none
        input: str | list[TResponseInputItem],  # noqa: A002 - its name
        *_: Any,
        **__: Any,
    ) -> ModelResponse:
        items = [] if isinstance(input, str) else [dict(item) for item in input]
        results = [item["output"] for item in items if item.get("call_id") == self.call.name and "output" in item]
        return ModelResponse(
            output=[_message(str(results[-1])) if results else self.call], usage=Usage(), response_id=None
        )

    def stream_response(self, *_: Any, **__: Any) -> AsyncIterator[Any]:
        raise NotImplementedError


def _message(text: str) -> ResponseOutputMessage:
    part = ResponseOutputText(text=text, type="output_text", annotations=[])
    return ResponseOutputMessage(id="msg_1", content=[part], role="assistant", status="completed", type="message")


async def main() -> None:
    set_tracing_disabled(disabled=True)
    async with AsyncClient() as triage_client, AsyncClient(key=os.environ["LETTER_WRITER_KEY"]) as writer_client:

        async def hand_over(_: RunContextWrapper[Any]) -> None:
            """Offered with one key, accepted with the other. If the policy forbids it, this raises."""
            await triage_client.hand_off(THREAD, to_agent="letter-writer", reason="The customer wants it in writing.")
            async for offered in writer_client.receive_handoffs(timeout=10):
                await offered.accept()
                break

        @function_tool
        @gate("send_customer_email", risk_level="medium", confidence=0.9, thread_id=THREAD, client=writer_client)
        async def send_letter(text: str) -> str:
            """Send a letter to the customer."""
            return f"sent: {text}"

        letter = Script("send_letter", '{"text": "It comes today."}')
        writer = Agent(name="writer", instructions="Write letters.", tools=[send_letter], model=letter)
        triage = Agent(
            name="triage",
            instructions="Send each customer to the right agent.",
            handoffs=[handoff(writer, on_handoff=hand_over)],
            model=Script("transfer_to_writer"),
        )
        print((await Runner.run(triage, "Please tell me in writing when my parcel comes.")).final_output)


if __name__ == "__main__":
    asyncio.run(main())
