"""Answers a command within Slack's three seconds. If that takes longer, the answer comes as a private note."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from blocks.kit.message import Message
from blocks.words.refusals import private_message
from bot.slack.context.listener_context import ListenerContext

ANSWERS_WITHIN = 2.0  # seconds; the network takes its part of the three
LATE = "This takes longer than usual. The answer comes here when it is ready."


async def answer_in_time(
    context: ListenerContext, response_url: str | None, work: Coroutine[Any, Any, Message | None]
) -> Message | None:
    """The answer of the work, or a message that it comes later: the work then goes on."""
    answering = asyncio.create_task(work)
    await asyncio.wait([answering], timeout=ANSWERS_WITHIN if response_url else None)
    if answering.done() or not response_url:
        return await answering
    context.background.start("late answer", _answer_late(context, response_url, answering))
    return private_message(LATE)


async def _answer_late(context: ListenerContext, response_url: str, answering: asyncio.Task[Message | None]) -> None:
    if message := await answering:
        await context.client.whisper(response_url, message)
