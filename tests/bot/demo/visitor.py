"""A visitor of the demo: acts as its people in the playground, and reads the agents' lines on the panel."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
from sqlalchemy import Connection

from bot.demo.assembly import Demo, open_demo
from bot.demo.folder import Folder
from bot.demo.workspace import CHANNELS
from bot.slack.wiring import SlackSide
from playground.model.messages import Message
from playground.slack import Outcome
from rules.state.commands import Verb
from store.agents import agent_admin
from store.installation.tenancy import read_tenant_id
from store.packages.content import load_words
from store.packages.queue import list_open_tasks
from tests.bot.slack.office import CONFIRMED, MENU

RITA, ROSS, SENTA, SVEN, SUSAN, DORA = "URITA", "UROSS", "USENTA", "USVEN", "USUSAN", "UDORA"
NORA, OMAR, ADAM, GAIL = "UNORA", "UOMAR", "UADAM", "UGAIL"
GRAVE = {"comment": "I read the file.", "confirmed": [CONFIRMED]}
PATIENCE = 20

State = dict[str, Any]


class Visitor:
    def __init__(self, demo: Demo, http: aiohttp.ClientSession) -> None:
        self.demo, self.slack, self.http = demo, demo.slack, http
        self.slack.workspace.rates = None  # rate limits are tested elsewhere

    @property
    def slack_side(self) -> SlackSide:
        assert self.demo.service.slack is not None
        return self.demo.service.slack

    async def card(self, title: str, *shown: str) -> Message:
        """The newest card with this title, as soon as it shows all these texts."""

        def find_card() -> Message | None:
            cards = [
                message
                for channel in CHANNELS
                for message in self.slack.messages(channel)
                if message.thread_ts is None and title in message.shown
            ]
            return next((card for card in reversed(cards) if all(words in card.shown for words in shown)), None)

        return await self.slack.until(find_card, PATIENCE)

    async def give(self, user: str, card: Message, verb: Verb, values: Mapping[str, Any] | None = None) -> Outcome:
        """Give a verb wherever it is offered (card, menu or Details), and fill in its form if it has one."""
        if verb.value in card.action_ids:
            outcome = await self.slack.click(user, card, verb.value)
        elif verb in MENU:
            outcome = await self.slack.click(user, card, "more", option=MENU[verb])
        else:
            await self.slack.click(user, card, "details")
            outcome = await self.slack.click_modal(user, verb.value)
        assert outcome.ok, outcome
        if values is None:
            return outcome
        outcome = await self.slack.submit(user, values)
        assert (outcome.ok, outcome.errors) == (True, {}), outcome
        await self._close_modals(user)
        return outcome

    async def _close_modals(self, user: str) -> None:
        if self.slack.modals(user):
            await self.slack.close(user, everything=True)

    async def approve(self, user: str, card: Message) -> None:
        """A grave approval, after reading Details."""
        await self.read(user, card)
        await self.give(user, card, Verb.APPROVE, GRAVE)

    async def read(self, user: str, card: Message) -> None:
        await self.slack.click(user, card, "details")
        await self._close_modals(user)

    async def see_refusal(self, user: str, card: Message, verb: Verb = Verb.APPROVE) -> str:
        """What the window says that refuses the user's click. It is closed again."""
        await self.give(user, card, verb)
        refusal = await self.slack.until(lambda: self.slack.modal(user), PATIENCE)
        assert refusal.title == "Not possible", refusal
        await self._close_modals(user)
        return refusal.shown

    async def package(self, agent: str) -> dict[str, Any]:
        """The newest version of what the agent proposes and people have not decided."""

        def operation(connection: Connection) -> dict[str, Any]:
            tenant, now = read_tenant_id(connection), self.demo.service.store.clock()
            agent_ids = {known.name: known.agent_id for known in agent_admin.list_agents(connection, now)}
            states = list_open_tasks(connection, tenant, limit=100).items
            (event,) = [state.version_event_id for state in states if state.agent_id == agent_ids[agent]]
            package = load_words(connection, tenant, event)[event]["package"]
            assert isinstance(package, dict)
            return package

        return await self.demo.service.store.read(operation)

    async def add_agent(self, name: str = "newcomer") -> str:
        """Add an agent, and return its key."""
        store = self.demo.service.store
        newcomer = await store.write(lambda connection: agent_admin.add_agent(connection, name, OMAR, store.clock()))
        return newcomer.key

    async def state(self) -> State:
        async with self.http.get("/playground/demo/state") as answer:
            state: State = await answer.json()
        return state

    async def until(self, holds: Callable[[State], Any]) -> Any:
        """The first true value, evaluated again after each change that the panel announces."""
        async with asyncio.timeout(PATIENCE), self.http.get("/playground/demo/events") as events:
            async for _ in events.content:
                if value := holds(await self.state()):
                    return value
        raise AssertionError("the stream ended")

    async def wait_for_line(self, agent: str, *words: str) -> str:
        """The agent's first line with these words."""

        def line(state: State) -> str | None:
            return next((text for text in lines(state, agent) if all(word in text for word in words)), None)

        return str(await self.until(line))

    async def over(self, story: str) -> list[str]:
        """The agent's lines, once its story has ended."""
        state = await self.until(lambda state: state if not running(state)[story] else None)
        return lines(state, next(agent for agent, title in _agents(state) if title == _title(state, story)))

    async def pass_time(self, seconds: Any) -> aiohttp.ClientResponse:
        async with self.http.post("/playground/demo/time", json={"seconds": seconds}) as answer:
            await answer.read()
            return answer

    async def begin(self, story: str) -> int:
        async with self.http.post(f"/playground/demo/stories/{story}") as answer:
            return answer.status


def lines(state: State, agent: str) -> list[str]:
    return [line["text"] for entry in state["agents"] if entry["name"] == agent for line in entry["lines"]]


def running(state: State) -> dict[str, bool]:
    return {story["name"]: story["running"] for story in state["stories"]}


def _agents(state: State) -> list[tuple[str, str]]:
    return [(entry["name"], entry["title"]) for entry in state["agents"]]


def _title(state: State, story: str) -> str:
    return str(next(story_state["title"] for story_state in state["stories"] if story_state["name"] == story))


@asynccontextmanager
async def visiting(path: Path, *, fresh: bool = False) -> AsyncIterator[Visitor]:
    folder = Folder(path)
    with folder.hold(fresh=fresh):
        async with open_demo(folder, 0) as demo, aiohttp.ClientSession(demo.url) as http:
            yield Visitor(demo, http)
