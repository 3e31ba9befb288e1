"""The stories: agents of an inspectorate, each with a task, and what people can do about it."""

from __future__ import annotations

from bot.demo.agents.story import Story
from bot.demo.stories import answer, deletion, mail, notice, plan, reading, receipt, report, takeover

STORIES: tuple[Story, ...] = (
    notice.STORY,
    mail.STORY,
    deletion.STORY,
    reading.STORY,
    receipt.STORY,
    answer.STORY,
    plan.STORY,
    takeover.STORY,
    report.STORY,
)
