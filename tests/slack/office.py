"""The running service beside the stand-in for Slack: people click there, agents speak HTTP here, both over real sockets."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from bot.running import Running, running
from bot.settings import read_settings
from playground.messages import Message
from playground.slack import Outcome, Slack, stand_in
from rules.commands import Verb
from rules.state import PackageState, Status
from tests.bot.service import CRITICAL, HARD, SOFT, Desk, Told
from tests.bot.service import POLICY as PLAIN
from tests.rules.world import ADAM, OWEN, ROSE
from tests.store.world import Clock

SECRET = "a-signing-secret"
CHANNEL = "C0REVIEWS"
GROUP = "S0SENIORS"
RITA, ROSS, SENTA, SVEN, SUSI, SAUL = "URITA", "UROSS", "USENTA", "USVEN", "USUSI", "USAUL"
GUEST, STRANGER, BOT, GONE, NOBODY = "UGUEST", "USTRANGER", "UBOT", "UGONE", "UNOROLE"
POLICY = PLAIN.replace('max_age = "1000d"', 'max_age = "1000d"\n').replace(
    'members = ["USENTA", "USVEN"]', f'groups = ["{GROUP}"]'
) + (
    f"""
[channels]
default = "{CHANNEL}"
"""
)
__all__ = ["ADAM", "CRITICAL", "HARD", "OWEN", "ROSE", "SOFT", "Office", "open_office"]


class Office(Desk):
    """What `Desk` is to agents, and to reviewers the channel in which they are asked."""

    def __init__(self, its: Running, clock: Clock, http: aiohttp.ClientSession, slack: Slack) -> None:
        super().__init__(its, clock, http)
        self.slack = slack

    async def card(self, told: Told, channel: str = CHANNEL) -> Message:
        """The package's card, as soon as it shows the package as it is now."""
        state = await self.state(told)
        await self.delivered()
        return next(found for found in self.slack.messages(channel) if _shows(found, state))

    async def delivered(self) -> None:
        """Once nothing is behind any more."""
        assert self.its.service.slack is not None
        await self.its.service.slack.reconciler.tick()

    async def asked(self, package: Mapping[str, Any] = HARD, channel: str = CHANNEL) -> tuple[Told, Message]:
        """A package that an agent posted, and its card."""
        told = await self.submit(package)
        assert told.status == 202, told
        return told, await self.card(told, channel)

    async def click(self, user: str, card: Message, verb: str, **options: Any) -> Outcome:
        return await self.slack.click(user, card, verb, **options)

    async def more(self, user: str, card: Message, verb: Verb) -> Outcome:
        """A verb of the card's menu."""
        labels = {
            Verb.REQUEST_MORE_EVIDENCE: "Request evidence",
            Verb.DEFER: "Defer",
            Verb.OVERRIDE: "Override",
            Verb.TAKE_OVER: "Take over",
            Verb.RECUSE: "Recuse",
        }
        return await self.slack.click(user, card, "more", option=labels[verb])

    async def notes(self, user: str, count: int = 1) -> str:
        """What the user was told alone, as soon as it is there."""
        await self.slack.until(lambda: len(self.slack.private_notes(user)) >= count)
        return self.slack.private_notes(user)[-1].shown

    async def status(self, told: Told) -> Status:
        return (await self.state(told)).status


def _shows(message: Message, state: PackageState) -> bool:
    return message.thread_ts is None and state.decision_package_id in json.dumps(message.blocks)


def furnish(slack: Slack) -> None:
    for user in (RITA, ROSS, SENTA, SVEN, SUSI, SAUL, "USILA", ROSE, OWEN, ADAM, NOBODY):
        name = user.removeprefix("U").capitalize()
        slack.add_person(user, name=name, email=f"{name.lower()}@example.org")
    slack.add_person(GUEST, name="Guest", guest="multi")
    slack.add_person(STRANGER, name="Stranger", stranger=True, team_id="T2")
    slack.add_person(BOT, name="Robot", bot=True)
    slack.add_person(GONE, name="Gone", deleted=True)
    slack.add_channel(
        CHANNEL, name="reviews", members=[person for person in slack.workspace.people if person[1:].isupper()]
    )
    slack.add_group(GROUP, [SENTA, SVEN])


@asynccontextmanager
async def open_office(
    url: str, folder: Path, policy_text: str = POLICY, *, socket: bool = False, **settings: Any
) -> AsyncIterator[Office]:
    policy = folder / "policy.toml"
    policy.write_text(policy_text)
    async with stand_in(signing_secret=SECRET) as slack:
        furnish(slack)
        given = {
            "COUNTERSIGN_DATABASE_URL": url,
            "COUNTERSIGN_POLICY": policy,
            "COUNTERSIGN_PORT": 0,
            "_env_file": None,
            "SLACK_BOT_TOKEN": slack.bot_token,
            "SLACK_API_URL": slack.api_url,
            **({"SLACK_APP_TOKEN": slack.app_token} if socket else {"SLACK_SIGNING_SECRET": SECRET}),
            **settings,
        }
        clock = Clock()
        async with running(read_settings(**given), clock) as its, aiohttp.ClientSession(its.url) as http:
            slack.app_at(f"{its.url}/slack/events")
            office = Office(its, clock, http, slack)
            office.key = await office.hire("Clerk")
            yield office
