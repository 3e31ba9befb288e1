"""The stage: runs each story's agent, resumes stories after a restart, and starts them again on request.

A story runs as one task. The diary keeps its turn and whether that is over, so a story that was cut off begins the same
turn again and finds its earlier packages by their keys.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import structlog
from aiohttp import ClientSession

from bot.demo.agents.agent import Agent, RefusedError
from bot.demo.agents.diary import Diary
from bot.demo.agents.story import Story
from bot.demo.open_decisions import OpenDecision
from bot.demo.stories import STORIES
from store.waiters import cancel_task

log = structlog.get_logger()


class Stage:
    def __init__(self, diary: Diary, sessions: Mapping[str, ClientSession]) -> None:
        self._diary, self._sessions = diary, sessions
        self._stories = {story.name: story for story in STORIES}
        self._running: dict[str, asyncio.Task[None]] = {}

    def open(self) -> None:
        """Start stories that never ran and wait for nobody; resume unfinished ones from their beginning."""
        for story in STORIES:
            turn, is_over = self._diary.turn(story.name)
            if not is_over:
                self._diary.tell(story.agent, "did", "Was started again, and asks what was decided.")
                self._play(story, turn)
            elif turn == 0 and not story.waits:
                self._play(story, 1)

    def has_story(self, name: str) -> bool:
        return name in self._stories

    def is_running(self, name: str) -> bool:
        return name in self._running

    def begin(self, name: str) -> None:
        story = self._stories[name]
        turn, _ = self._diary.turn(name)
        self._play(story, turn + 1)

    def _play(self, story: Story, turn: int) -> None:
        self._diary.mark_turn(story.name, turn, over=False)
        self._running[story.name] = asyncio.create_task(self._run(story, turn))

    async def _run(self, story: Story, turn: int) -> None:
        agent = self._agent(story, turn)
        try:
            await story.run(agent)
        except RefusedError as refused:
            agent.log_error(f"{refused} I stop here.")
        except Exception:
            log.exception("demo.story_failed", story=story.name)
            agent.log_error("I failed and stop here. The log says why.")
        self._running.pop(story.name)
        self._diary.mark_turn(story.name, turn, over=True)

    def _agent(self, story: Story, turn: int) -> Agent:
        agent = Agent(story.agent, turn, self._sessions[story.agent], self._diary)
        if story.helper:
            agent.helper = Agent(story.helper, turn, self._sessions[story.helper], self._diary, helps=agent)
        return agent

    async def close(self) -> None:
        for task in list(self._running.values()):
            await cancel_task(task)

    def state(self, decisions: Mapping[str, OpenDecision]) -> dict[str, Any]:
        """For the page."""
        return {
            "agents": [
                {"name": story.agent, "title": story.title, "lines": self._diary.lines(story.agent)}
                for story in STORIES
            ],
            "stories": [
                {
                    "name": story.name,
                    "title": story.title,
                    "what": story.description,
                    "agent": story.agent,
                    "begins": _beginning(story, decisions),
                    "started": self._diary.turn(story.name)[0] > 0,
                    "running": self.is_running(story.name),
                }
                for story in STORIES
            ],
        }


def _beginning(story: Story, decisions: Mapping[str, OpenDecision]) -> dict[str, str | None] | None:
    """The person to act as, and where: as the story suggests, unless only others may decide now."""
    if story.begins is None:
        return None
    user, channel = story.begins
    decision = next((decisions[agent] for agent in story.agents if agent in decisions), None)
    if decision is None:
        return {"user": user, "channel": channel, "ts": None}
    people = decision.people
    return {"user": user if user in people else people[0], **decision.card._asdict()}
